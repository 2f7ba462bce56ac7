//! When payments on chain for calls of a listing are settled, and who receives them. No part of the published interfaces,
//! whose clients leave these fields out.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// When a payment on chain is settled: `after` the work, `before` it, or `later` than the answer.
    PaymentOrder { After = "after", Before = "before", Later = "later" }
}

wire_enum! {
    /// Who receives payments on chain: the `gateway`, which owes the seller its earnings, or the `seller`, who owes the fee.
    PaymentReceiver { Gateway = "gateway", Seller = "seller" }
}
