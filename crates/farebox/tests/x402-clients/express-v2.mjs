// A seller's own server: @x402/express of version 2, which lets the facilitator of FACILITATOR_URL verify and settle.

import express from 'express';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import { bazaarResourceServerExtension, declareDiscoveryExtension } from '@x402/extensions/bazaar';
import { listen, sells, payTo, facilitator } from './selling.mjs';

const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }))
  .register('eip155:84532', new ExactEvmScheme())
  .registerExtension(bazaarResourceServerExtension);
const accepts = { scheme: 'exact', price: '$0.01', network: 'eip155:84532', payTo };
const extensions = declareDiscoveryExtension({
  input: { units: 'metric' },
  inputSchema: { properties: { units: { type: 'string' } } },
  output: { example: { degrees: 21 } },
});
const routes = {
  'GET /weather/:city': { accepts, description: 'Weather of a city', mimeType: 'application/json', extensions },
  'GET /broken': { accepts, description: 'Never works' },
};

const app = express();
app.use(paymentMiddleware(routes, server));
listen(sells(app));
