// x402-fetch: version 1, which reads the body and knows no PAYMENT-REQUIRED.

import { createSigner, decodeXPaymentResponse, wrapFetchWithPayment } from 'x402-fetch';
import { body, headers, key, method, say, url } from './asked.mjs';

const signer = await createSigner('base-sepolia', key);
const response = await wrapFetchWithPayment(fetch, signer)(url, { method, body, headers });
const receipt = response.headers.get('x-payment-response');
say(response.status, await response.text(), receipt && decodeXPaymentResponse(receipt));
