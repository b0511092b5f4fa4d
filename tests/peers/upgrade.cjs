// Swagger 2.0 on standard input → OpenAPI 3.0 on standard output, by swagger2openapi.
const fs = require("node:fs");
const { convertObj } = require("swagger2openapi");

convertObj(JSON.parse(fs.readFileSync(0, "utf8")), { patch: true, warnOnly: true, resolve: false }, (error, result) => {
  if (error) throw error;
  process.stdout.write(JSON.stringify(result.openapi));
});
