//! The object `payload` of a payment, per scheme: read into `Payment` and written from it.

use alloy_primitives::U256;
use serde_json::{Value, json};

use super::Object;
use super::read::Fields;
use super::uint::Uint;
use crate::evm::{Authorization, ChannelConfig, ChannelId, Permit, Signature, Voucher, Witness, address::checksummed};
use crate::offer::Scheme;
use crate::payment::{Funding, Payment, SignedVoucher};
use crate::{Reason, Refusal};

/// Reads what `scheme` signs. Checks forms, not terms.
///
/// # Errors
/// `InvalidPayload` naming the field, the scheme's reason for a broken signature, `ChannelPayloadType`.
pub fn payment_of(scheme: Scheme, payload: &Object) -> Result<Payment, Refusal> {
    let fields = Fields::new(payload, "payload");
    match scheme {
        Scheme::Exact if fields.has("permit2Authorization") => {
            let (permit, signature) = permit(fields, false)?;
            Ok(Payment::Permit2 { permit, signature })
        }
        Scheme::Exact => eip3009(fields),
        Scheme::Upto => {
            let (permit, signature) = permit(fields, true)?;
            Ok(Payment::Upto { permit, signature })
        }
        Scheme::BatchSettlement => channel(fields),
    }
}

fn eip3009(payload: Fields<'_>) -> Result<Payment, Refusal> {
    let fields = payload.object("authorization", "payload.authorization")?;
    let authorization = Authorization {
        from: fields.address("from")?,
        to: fields.address("to")?,
        value: fields.uint("value")?,
        valid_after: fields.uint("validAfter")?,
        valid_before: fields.uint("validBefore")?,
        nonce: fields.word("nonce")?,
    };
    let signature =
        payload.signature("signature", Reason::ExactSignature).map_err(|refusal| refusal.of(authorization.from))?;
    Ok(Payment::Eip3009 { authorization, signature })
}

fn permit(payload: Fields<'_>, is_upto: bool) -> Result<(Permit, Signature), Refusal> {
    let fields = payload.object("permit2Authorization", "payload.permit2Authorization")?;
    let permitted = fields.object("permitted", "payload.permit2Authorization.permitted")?;
    let witness = fields.object("witness", "payload.permit2Authorization.witness")?;
    let (to, valid_after) = (witness.address("to")?, witness.uint("validAfter")?);
    let witness = if is_upto {
        Witness::Upto { to, facilitator: witness.address("facilitator")?, valid_after }
    } else {
        Witness::Exact { to, valid_after }
    };
    let permit = permit_fields(fields, permitted, witness)?;
    let signature =
        payload.signature("signature", Reason::Permit2Signature).map_err(|refusal| refusal.of(permit.from))?;
    Ok((permit, signature))
}

fn permit_fields(fields: Fields<'_>, permitted: Fields<'_>, witness: Witness) -> Result<Permit, Refusal> {
    Ok(Permit {
        from: fields.address("from")?,
        token: permitted.address("token")?,
        amount: permitted.uint("amount")?,
        spender: fields.address("spender")?,
        nonce: fields.uint("nonce")?,
        deadline: fields.uint("deadline")?,
        witness,
    })
}

fn channel(payload: Fields<'_>) -> Result<Payment, Refusal> {
    match payload.text("type")? {
        "voucher" => voucher(payload).map(Payment::Voucher),
        "refund" => {
            let voucher = voucher(payload)?;
            let amount = payload.has("amount").then(|| payload.uint("amount")).transpose()?;
            Ok(Payment::Refund { voucher, amount })
        }
        "deposit" => {
            let voucher = voucher(payload)?;
            let deposit = payload.object("deposit", "payload.deposit")?;
            let funding = funding(deposit)?;
            Ok(Payment::Deposit { voucher, amount: deposit.uint("amount")?, funding: Box::new(funding) })
        }
        other => {
            let came: String = other.chars().take(40).collect();
            let expected = "voucher, deposit or refund";
            Err(Refusal::mismatch(Reason::ChannelPayloadType, "payload.type", expected, came))
        }
    }
}

fn voucher(payload: Fields<'_>) -> Result<SignedVoucher, Refusal> {
    let channel = channel_config(payload.object("channelConfig", "payload.channelConfig")?)?;
    let fields = payload.object("voucher", "payload.voucher")?;
    let max_claimable = fields.uint("maxClaimableAmount")?;
    let voucher = Voucher {
        channel: ChannelId::new(fields.word("channelId")?),
        max_claimable: u128::try_from(max_claimable).map_err(|_| {
            Refusal::mismatch(Reason::InvalidPayload, "maxClaimableAmount", "at most 128 bits", max_claimable)
        })?,
    };
    let signature =
        fields.signature("signature", Reason::VoucherSignature).map_err(|refusal| refusal.of(channel.payer))?;
    Ok(SignedVoucher { channel, voucher, signature })
}

/// What makes a channel.
pub(crate) fn channel_config(config: Fields<'_>) -> Result<ChannelConfig, Refusal> {
    let delay = config.uint("withdrawDelay")?;
    Ok(ChannelConfig {
        payer: config.address("payer")?,
        payer_authorizer: config.address("payerAuthorizer")?,
        receiver: config.address("receiver")?,
        receiver_authorizer: config.address("receiverAuthorizer")?,
        token: config.address("token")?,
        withdraw_delay_s: u64::try_from(delay).ok().filter(|delay| *delay < 1 << 40).ok_or_else(|| {
            Refusal::mismatch(Reason::ChannelWithdrawDelayRange, "withdrawDelay", "at most 40 bits", delay)
        })?,
        salt: config.word("salt")?,
    })
}

fn funding(deposit: Fields<'_>) -> Result<Funding, Refusal> {
    let authorization = deposit.object("authorization", "payload.deposit.authorization")?;
    if authorization.has("permit2Authorization") {
        let fields = authorization.object("permit2Authorization", "permit2Authorization")?;
        let permitted = fields.object("permitted", "permit2Authorization.permitted")?;
        let witness = fields.object("witness", "permit2Authorization.witness")?;
        let channel = ChannelId::new(witness.word("channelId")?);
        let permit = permit_fields(fields, permitted, Witness::Deposit { channel })?;
        let signature = fields.signature("signature", Reason::DepositPermit2Signature)?;
        return Ok(Funding::Permit2 { permit, signature });
    }
    let fields = authorization.object("erc3009Authorization", "erc3009Authorization")?;
    Ok(Funding::Eip3009 {
        valid_after: fields.uint("validAfter")?,
        valid_before: fields.uint("validBefore")?,
        salt: fields.word("salt")?,
        signature: fields.signature("signature", Reason::DepositSignature)?,
    })
}

/// The object that `payment_of` reads back.
pub fn payload_of(payment: &Payment) -> Object {
    let value = match payment {
        Payment::Eip3009 { authorization, signature } => json!({
            "signature": signature.to_bytes(),
            "authorization": {
                "from": checksummed(authorization.from),
                "to": checksummed(authorization.to),
                "value": text(authorization.value),
                "validAfter": text(authorization.valid_after),
                "validBefore": text(authorization.valid_before),
                "nonce": authorization.nonce,
            },
        }),
        Payment::Permit2 { permit, signature } | Payment::Upto { permit, signature } => {
            json!({ "signature": signature.to_bytes(), "permit2Authorization": permit_json(permit) })
        }
        Payment::Voucher(voucher) => channel_json("voucher", voucher),
        Payment::Refund { voucher, amount } => {
            let mut value = channel_json("refund", voucher);
            if let (Some(amount), Some(object)) = (amount, value.as_object_mut()) {
                object.insert("amount".into(), text(*amount));
            }
            value
        }
        Payment::Deposit { voucher, amount, funding } => {
            let mut value = channel_json("deposit", voucher);
            if let Some(object) = value.as_object_mut() {
                let deposit = json!({ "amount": text(*amount), "authorization": funding_json(funding) });
                object.insert("deposit".into(), deposit);
            }
            value
        }
    };
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn permit_json(permit: &Permit) -> Value {
    let witness = match permit.witness {
        Witness::Exact { to, valid_after } => json!({ "to": checksummed(to), "validAfter": text(valid_after) }),
        Witness::Upto { to, facilitator, valid_after } => json!({
            "to": checksummed(to), "facilitator": checksummed(facilitator), "validAfter": text(valid_after),
        }),
        Witness::Deposit { channel } => json!({ "channelId": channel.get() }),
    };
    json!({
        "from": checksummed(permit.from),
        "permitted": { "token": checksummed(permit.token), "amount": text(permit.amount) },
        "spender": checksummed(permit.spender),
        "nonce": text(permit.nonce),
        "deadline": text(permit.deadline),
        "witness": witness,
    })
}

fn channel_json(kind: &str, signed: &SignedVoucher) -> Value {
    let channel = &signed.channel;
    json!({
        "type": kind,
        "channelConfig": {
            "payer": checksummed(channel.payer),
            "payerAuthorizer": checksummed(channel.payer_authorizer),
            "receiver": checksummed(channel.receiver),
            "receiverAuthorizer": checksummed(channel.receiver_authorizer),
            "token": checksummed(channel.token),
            "withdrawDelay": channel.withdraw_delay_s,
            "salt": channel.salt,
        },
        "voucher": {
            "channelId": signed.voucher.channel.get(),
            "maxClaimableAmount": signed.voucher.max_claimable.to_string(),
            "signature": signed.signature.to_bytes(),
        },
    })
}

fn funding_json(funding: &Funding) -> Value {
    match funding {
        Funding::Eip3009 { valid_after, valid_before, salt, signature } => json!({ "erc3009Authorization": {
            "validAfter": text(*valid_after),
            "validBefore": text(*valid_before),
            "salt": salt,
            "signature": signature.to_bytes(),
        }}),
        Funding::Permit2 { permit, signature } => {
            let mut value = permit_json(permit);
            if let Some(object) = value.as_object_mut() {
                object.insert("signature".into(), json!(signature.to_bytes()));
            }
            json!({ "permit2Authorization": value })
        }
    }
}

fn text(value: U256) -> Value {
    Uint(value).to_string().into()
}
