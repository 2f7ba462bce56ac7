// A payer with a channel: four calls of PAY_URL, the first with a deposit, then the seller claims and the rest
// is asked back.

import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { privateKeyToAccount } from 'viem/accounts';
import { key, url } from './asked.mjs';

const scheme = new BatchSettlementEvmScheme(privateKeyToAccount(key));
const pay = wrapFetchWithPayment(fetch, new x402Client().register('eip155:*', scheme));
const calls = [];
for (let n = 0; n < 4; n++) {
  const response = await pay(url);
  const receipt = response.headers.get('payment-response');
  calls.push({ status: response.status, text: await response.text(), receipt: receipt && decodePaymentResponseHeader(receipt) });
}
const claimed = await (await fetch(new URL('/claim', url))).json();
const refund = await scheme.refund(url).catch((error) => ({ error: String(error) }));
console.log(JSON.stringify({ calls, claimed, refund }));
