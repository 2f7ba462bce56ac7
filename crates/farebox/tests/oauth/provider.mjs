// A real authorization server, as the package comes: it registers clients, asks users, rotates refresh tokens and revokes.
// Its first line on stdout is its address; /stats says what was granted.
import http from 'node:http';
import Provider from 'oidc-provider';

const counts = {};
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
    },
    pkce: { required: () => true },
    scopes: ['openid', 'email', 'offline_access'],
    claims: { openid: ['sub'], email: ['email'] },
    ttl: { AccessToken: Number(process.env.ACCESS_TTL_S ?? 3600) },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id, email: `${id}@example.com` }) }),
  });
  const count = (name) => { counts[name] = (counts[name] ?? 0) + 1; };
  provider.on('grant.success', (ctx) => count(ctx.oidc.params.grant_type));
  provider.on('grant.error', (_, error) => count(`refused ${error.error}`));
  provider.on('refresh_token.destroyed', () => count('refresh token destroyed'));
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url !== '/stats') return answer(request, response);
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(counts));
  });
  console.log(issuer);
});
