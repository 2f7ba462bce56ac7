// @x402/fetch with what it does by default: version 2, its own limits, its own list of tokens.

import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { privateKeyToAccount } from 'viem/accounts';
import { body, headers, key, method, say, url } from './asked.mjs';

const client = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(key)));
const response = await wrapFetchWithPayment(fetch, client)(url, { method, body, headers });
const receipt = response.headers.get('payment-response');
say(response.status, await response.text(), receipt && decodePaymentResponseHeader(receipt));
