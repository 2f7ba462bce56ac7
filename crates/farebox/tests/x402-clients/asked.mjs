// What a test asks a client to do, and how the client says what came of it: one line of JSON.

const { PAY_URL: url, PAY_METHOD: method = 'GET', PAY_BODY: body, PAY_KEY: key } = process.env;

const headers = body ? { 'content-type': 'application/json' } : {};

export { url, method, body, key, headers };

export function say(status, text, receipt) {
  console.log(JSON.stringify({ status, text, receipt }));
}
