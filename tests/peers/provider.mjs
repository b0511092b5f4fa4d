// A certified OpenID provider and authorization server (panva's oidc-provider) on loopback, for the tests.
// node provider.mjs '{"port": 0, "redirect_uris": [...], ...}'; prints {"issuer": ...} when it listens; ends when stdin closes.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const options = JSON.parse(process.argv[2]);
const people = {
  developer: { name: 'Dana Developer', groups: ['sandbox-developers'] },
  architect: { name: 'Arno Architect', groups: ['integration-architects'] },
  platform: { name: 'Paula Platform', groups: ['platform-team'] },
  mover: { name: 'Mona Mover', groups: ['integration-architects'] }, // for tests that change groups
  nobody: { name: 'Nils Nobody', groups: [] },
};
const scopes = ['integration:read', 'webhook:manage', 'reporting:dashboard:read', 'interactions:read', 'interactions:write'];
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issued = []; // every access token ever handed out: tests look for them in logs and audit rows

const server = createServer();
await new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const machine = (id, allowed, extra = {}) => ({
  client_id: id,
  client_secret: options.secret,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope: allowed,
  token_endpoint_auth_method: 'client_secret_basic',
  ...extra,
});

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'portal',
      client_secret: options.secret,
      redirect_uris: options.redirect_uris,
      post_logout_redirect_uris: options.post_logout_redirect_uris,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      backchannel_logout_uri: options.backchannel_logout_uri,
      backchannel_logout_session_required: true,
    },
    machine('reader', 'integration:read'),
    machine('writer', 'integration:read webhook:manage'),
    machine('signer', 'interactions:read', {
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [options.signer] },
    }),
    machine('poster', 'interactions:read', { token_endpoint_auth_method: 'client_secret_post' }),
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'peer-1' }] },
  scopes: ['openid', 'profile', 'email', ...scopes],
  claims: { openid: ['sub', 'sid', 'groups'], profile: ['name'], email: ['email'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><title>Sign out</title>${form}<button name="logout" value="yes" form="op.logoutForm">Yes</button>`;
      },
    },
  },
  ttl: { ClientCredentials: options.ttl ?? 3600, AccessToken: 600, IdToken: 300, Session: 3600, Interaction: 600, Grant: 3600, RefreshToken: 3600 },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, ...people[id] }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
  // The provider refuses to call loopback addresses; here that is where the portal is.
  fetch: (url, init) => globalThis.fetch(url, { ...init, dispatcher: undefined }),
  cookies: { keys: ['only for tests'] },
});
provider.on('refresh_token.saved', (token) => issued.push(token.jti));
provider.on('client_credentials.saved', (token) => issued.push(token.jti));
provider.on('server_error', (ctx, error) => console.error(error));

const callback = provider.callback();
server.on('request', async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === '/issued') return response.end(JSON.stringify(issued));
  if (pathname === '/groups' && request.method === 'POST') {
    // A person is moved to other groups: {"account": "developer", "groups": [...]}
    let body = '';
    for await (const chunk of request) body += chunk;
    const change = JSON.parse(body);
    people[change.account] = { ...people[change.account], groups: change.groups };
    return response.end();
  }
  if (pathname.startsWith('/interaction/')) {
    if (request.method !== 'POST') return response.end('<!doctype html><title>Sign in</title>');
    let body = '';
    for await (const chunk of request) body += chunk;
    const account = new URLSearchParams(body).get('account');
    return provider.interactionFinished(request, response, { login: { accountId: account } }, { mergeWithLastSubmission: false });
  }
  return callback(request, response);
});
process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ issuer }));
