// A seller's own server with payment channels: @x402/express and the scheme batch-settlement of @x402/evm. The facilitator
// signs claims, the seller's key refunds where SELLER_KEY is given. GET /claim has the channels claimed and the seller paid.

import express from 'express';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import { privateKeyToAccount } from 'viem/accounts';
import { listen, sells, payTo, facilitator } from './selling.mjs';

const network = 'eip155:84532';
const { SELLER_KEY: key } = process.env;
const receiverAuthorizerSigner = key && privateKeyToAccount(key);
const client = new HTTPFacilitatorClient({ url: facilitator });
const scheme = new BatchSettlementEvmScheme(payTo, { receiverAuthorizerSigner });
const manager = scheme.createChannelManager(client, network);
const server = new x402ResourceServer(client).register(network, scheme);
const accepts = { scheme: 'batch-settlement', price: '$0.01', network, payTo };
const routes = { 'GET /weather/:city': { accepts, description: 'Weather of a city', mimeType: 'application/json' } };

const app = express();
app.get('/claim', (request, response) =>
  manager.claimAndSettle().then(
    (done) => response.json(done),
    (error) => response.status(500).json({ error: String(error) }),
  ),
);
app.use(paymentMiddleware(routes, server));
listen(sells(app));
