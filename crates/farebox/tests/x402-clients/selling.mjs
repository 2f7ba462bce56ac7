// What the sellers' servers have in common: whom they ask, what they sell, and how they say where they listen.

const { FACILITATOR_URL: facilitator, PAY_TO: payTo } = process.env;

export { facilitator, payTo };

export function sells(app) {
  let served = 0;
  app.get('/weather/:city', (request, response) => response.json({ city: request.params.city, served: ++served }));
  app.get('/broken', (request, response) => response.status(500).json({ error: 'out of order' }));
  return app;
}

export function listen(app) {
  const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
}
