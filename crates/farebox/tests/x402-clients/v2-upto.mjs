// @x402/fetch with the scheme `upto` alone: it signs the most that a call may cost, by Permit2.

import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { privateKeyToAccount } from 'viem/accounts';
import { body, headers, key, method, say, url } from './asked.mjs';

const client = new x402Client().register('eip155:*', new UptoEvmScheme(privateKeyToAccount(key)));
const response = await wrapFetchWithPayment(fetch, client)(url, { method, body, headers });
const receipt = response.headers.get('payment-response');
say(response.status, await response.text(), receipt && decodePaymentResponseHeader(receipt));
