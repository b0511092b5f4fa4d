// Swagger UI on a document of the portal. It sends to the portal only, with the CSRF token, and shows the X-Portal headers it gets back.
const form = document.querySelector("form[data-swagger]");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;

const dark = () => document.documentElement.classList.toggle("dark-mode", document.documentElement.dataset.theme === "dark");
dark();
new MutationObserver(dark).observe(document.documentElement, { attributeFilter: ["data-theme"] });

// Swagger UI leaves some of its controls without a name for screen readers.
const nameControls = () => {
  for (const control of document.querySelectorAll("#swagger-ui :is(textarea, select, input):not([aria-label], [aria-labelledby])")) {
    if (control.labels?.length) continue;
    const row = control.closest("[data-param-name]");
    control.setAttribute("aria-label", row ? row.dataset.paramName : control.tagName === "TEXTAREA" ? "Request body" : control.closest(".content-type-wrapper, .response-control-media-type") ? "Content type" : "Value");
  }
};
new MutationObserver(nameControls).observe(document.querySelector("#swagger-ui"), { childList: true, subtree: true });

const show = (text) => {
  const note = document.createElement("p");
  note.className = "notice notice-bad";
  note.textContent = text;
  document.querySelector("#swagger-ui [data-loading]")?.remove();
  document.querySelector("#swagger-ui").append(note);
};

const start = async () => {
  const response = await fetch(form.dataset.document, { headers: { Accept: "application/json" } });
  if (!response.ok) {
    show(`The document could not be read: ${response.status} ${response.statusText}.`);
    return;
  }
  const document_ = await response.json();
  const server = form.dataset.server === "/" ? location.origin : location.origin + form.dataset.server;
  document_.servers = [{ url: server, description: "through the portal" }];
  if (form.dataset.server !== "/") {
    // The portal adds the platform's credentials: there is nothing to type in here.
    delete document_.security;
    delete document_.components?.securitySchemes;
    for (const item of Object.values(document_.paths ?? {})) for (const operation of Object.values(item)) if (operation && typeof operation === "object") delete operation.security;
  }
  window.SwaggerUIBundle({
    spec: document_,
    dom_id: "#swagger-ui",
    deepLinking: false,
    docExpansion: form.dataset.server === "/" ? "list" : "full",
    defaultModelsExpandDepth: -1,
    tryItOutEnabled: form.dataset.server !== "/",
    displayRequestDuration: true,
    filter: form.dataset.server === "/",
    validatorUrl: null,
    persistAuthorization: false,
    showMutatedRequest: false,
    requestInterceptor: (request) => {
      if (new URL(request.url, location.href).origin !== location.origin) throw new Error("Only this portal is called from here.");
      request.headers["X-CSRFToken"] = token;
      request.credentials = "same-origin";
      const confirm = document.querySelector("[data-swagger-confirm]")?.value;
      if (confirm) request.headers["X-Portal-Confirm"] = confirm;
      return request;
    },
  });
};

start().catch((error) => show(`Swagger UI could not be started: ${error.message}`));
