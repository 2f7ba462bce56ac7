// @x402/axios, whose core is older than that of @x402/fetch.

import { decodePaymentResponseHeader, wrapAxiosWithPayment, x402Client } from '@x402/axios';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import axios from 'axios';
import { privateKeyToAccount } from 'viem/accounts';
import { body, headers, key, method, say, url } from './asked.mjs';

const client = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(key)));
const response = await wrapAxiosWithPayment(axios.create(), client).request({ url, method, headers, data: body });
const receipt = response.headers['payment-response'];
say(response.status, JSON.stringify(response.data), receipt && decodePaymentResponseHeader(receipt));
