// A seller's own server of version 1: x402-express, which lets the facilitator of FACILITATOR_URL verify and settle.

import express from 'express';
import { paymentMiddleware } from 'x402-express';
import { listen, sells, payTo, facilitator } from './selling.mjs';

const routes = {
  'GET /weather/*': { price: '$0.01', network: 'base-sepolia', config: { description: 'Weather of a city' } },
  'GET /broken': { price: '$0.01', network: 'base-sepolia', config: { description: 'Never works' } },
};

const app = express();
app.use(paymentMiddleware(payTo, routes, { url: facilitator }));
listen(sells(app));
