-- What ended long ago is found by the time of its end, to be forgotten.
CREATE INDEX x402_settlement_ended ON x402_settlement (updated_at) WHERE state <> 'begun';
CREATE INDEX chain_transaction_ended ON chain_transaction (updated_at) WHERE state IN ('mined', 'failed');
