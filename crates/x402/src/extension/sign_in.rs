//! `sign-in-with-x`: the proof that a caller holds a wallet, by signing a text (EIP-4361).
//!
//! Owns the challenge, the text and its verification for plain keys. Does not own nonces: whoever takes a proof makes
//! sure that the nonce was given out here and is used once.

use std::time::Duration;

use alloy_primitives::Address;
use farebox_base::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::DIALECT;
use crate::evm::{EcdsaSignature, Signature, SigningKey, address, personal_message};
use crate::network::{Caip2, ChainId};
use crate::wire::{decode_base64_json, encode_base64_json};
use crate::{Reason, Refusal};

pub const KEY: &str = "sign-in-with-x";
const TEXT_VERSION: &str = "1";
const KEY_TYPE: &str = "eip191";

/// What is asked of the wallet.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// What the proof is for; an absolute URL.
    pub uri: Url,
    /// Given out once.
    pub nonce: [u8; 16],
    pub issued_at: Timestamp,
    pub valid_for: Duration,
    /// One line, shown to the person.
    pub statement: Option<String>,
    pub chains: Vec<Caip2>,
}

/// The value of `SIGN-IN-WITH-X`, before base64. The text that was signed is built from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    pub domain: String,
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    pub uri: String,
    pub version: String,
    pub chain_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub nonce: String,
    pub issued_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_scheme: Option<String>,
    pub signature: String,
}

/// What a proof has to be for.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// This server as its clients see it; only scheme, host and port count.
    pub origin: &'a Url,
    /// How long ago the text may have been issued; five minutes are usual.
    pub max_age: Duration,
    /// How far the caller's clock may be ahead.
    pub skew: Duration,
}

/// A wallet that was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    pub address: Address,
    pub chain: ChainId,
    /// To be used up by whoever gave it out.
    pub nonce: String,
    pub uri: String,
}

impl Challenge {
    /// What a challenge advertises.
    pub fn extension(&self) -> Value {
        let chains: Vec<Value> =
            self.chains.iter().map(|chain| json!({ "chainId": chain.as_str(), "type": KEY_TYPE })).collect();
        let mut info = json!({
            "domain": host(&self.uri),
            "uri": self.uri.as_str(),
            "version": TEXT_VERSION,
            "nonce": alloy_primitives::hex::encode(self.nonce),
            "issuedAt": iso(self.issued_at),
            "expirationTime": iso(self.issued_at.plus(self.valid_for)),
            "resources": [self.uri.as_str()],
        });
        if let (Some(statement), Some(object)) = (&self.statement, info.as_object_mut()) {
            object.insert("statement".into(), statement.as_str().into());
        }
        let required = ["domain", "address", "uri", "version", "chainId", "type", "nonce", "issuedAt", "signature"];
        json!({
            "info": info,
            "supportedChains": chains,
            "schema": { "$schema": DIALECT, "type": "object", "required": required },
        })
    }
}

impl SignIn {
    /// # Errors
    /// `SignInPayload` for what can't be read, `PayloadTooLarge`.
    pub fn decode(header: &str) -> Result<Self, Refusal> {
        let json = decode_base64_json(header).map_err(|refusal| match refusal.reason {
            Reason::InvalidPayload => Refusal { reason: Reason::SignInPayload, ..refusal },
            _ => refusal,
        })?;
        Self::deserialize(&json).map_err(|error| {
            let text: String = error.to_string().chars().take(200).collect();
            Refusal::new(Reason::SignInPayload, text)
        })
    }

    /// The value of the header.
    ///
    /// # Errors
    /// None in practice.
    pub fn header(&self) -> Result<String, serde_json::Error> {
        encode_base64_json(self)
    }

    /// Answers a challenge's extension, on one of its chains.
    ///
    /// # Errors
    /// `SignInPayload` where the extension can't be read, `SignInUnsupportedChain` where it has no EVM chain.
    pub fn answer(extension: &Value, key: &SigningKey) -> Result<Self, Refusal> {
        let unreadable = || Refusal::new(Reason::SignInPayload, "the challenge can't be read");
        let chains = extension.get("supportedChains").and_then(Value::as_array).ok_or_else(unreadable)?;
        let is_ours = |chain: &&str| Caip2::parse(chain).is_ok_and(|chain| chain.chain_id().is_some());
        let chain = chains.iter().filter_map(|chain| chain.get("chainId")?.as_str()).find(is_ours);
        let chain = chain.ok_or_else(|| Refusal::new(Reason::SignInUnsupportedChain, "no EVM chain is offered"))?;
        let mut json = extension.get("info").cloned().ok_or_else(unreadable)?;
        let object = json.as_object_mut().ok_or_else(unreadable)?;
        object.insert("address".into(), address::checksummed(key.address()).into());
        object.insert("chainId".into(), chain.into());
        object.insert("type".into(), KEY_TYPE.into());
        object.insert("signature".into(), "".into());
        let mut answer = Self::deserialize(&json).map_err(|_| unreadable())?;
        let text = answer.text(key.address(), answer.chain()?);
        answer.signature = key.sign_digest(personal_message(&text)).to_hex();
        Ok(answer)
    }

    /// Checks that the text is for this server and of now, and that the wallet signed it.
    ///
    /// # Errors
    /// `SignIn*`, each for its field; `SignInMalformedSignature` for smart wallets too, which only a chain can check.
    pub fn verify(&self, expected: &Expected<'_>, now: Timestamp) -> Result<Proven, Refusal> {
        self.check_place(expected.origin)?;
        self.check_times(expected, now)?;
        let chain = self.chain()?;
        let claimed = address::parse(&self.address)
            .ok_or_else(|| Refusal::new(Reason::SignInPayload, "address must be 40 hex digits after 0x"))?;
        let signature = self.ecdsa()?;
        let recovered = signature.recover(personal_message(&self.text(claimed, chain)));
        if recovered != Ok(claimed) {
            let refusal = Refusal::new(Reason::SignInSignature, format!("signature: expected that of {claimed}"));
            return Err(refusal.of(claimed));
        }
        Ok(Proven { address: claimed, chain, nonce: self.nonce.clone(), uri: self.uri.clone() })
    }

    fn check_place(&self, origin: &Url) -> Result<(), Refusal> {
        let own = host(origin);
        if self.domain != own {
            return Err(Refusal::mismatch(Reason::SignInDomain, "domain", own, short(&self.domain)));
        }
        if !Url::parse(&self.uri).is_ok_and(|uri| uri.origin() == origin.origin()) {
            let own = origin.origin().ascii_serialization();
            return Err(Refusal::mismatch(Reason::SignInUri, "uri", format!("a URL of {own}"), short(&self.uri)));
        }
        let fields = [&self.nonce, &self.version, &self.issued_at];
        let optional = [&self.statement, &self.expiration_time, &self.not_before, &self.request_id];
        let listed = self.resources.iter().flatten();
        let mut all = fields.into_iter().chain(optional.into_iter().flatten()).chain(listed);
        if self.version != TEXT_VERSION || all.any(|text| text.chars().any(char::is_control)) {
            return Err(Refusal::new(Reason::SignInPayload, "version must be 1, and no field may have a line break"));
        }
        Ok(())
    }

    fn check_times(&self, expected: &Expected<'_>, now: Timestamp) -> Result<(), Refusal> {
        let read = |text: &str, reason| {
            Timestamp::parse_rfc3339(text)
                .ok_or_else(|| Refusal::mismatch(reason, "time", "an RFC 3339 time", short(text)))
        };
        let issued = read(&self.issued_at, Reason::SignInIssuedAt)?;
        if issued.plus(expected.max_age) < now {
            let most = format!("at most {} s ago", expected.max_age.as_secs());
            return Err(Refusal::mismatch(Reason::SignInTooOld, "issuedAt", most, short(&self.issued_at)));
        }
        if now.plus(expected.skew) < issued {
            return Err(Refusal::mismatch(Reason::SignInInFuture, "issuedAt", "a past time", short(&self.issued_at)));
        }
        if let Some(text) = &self.expiration_time
            && read(text, Reason::SignInExpirationTime)? < now
        {
            return Err(Refusal::mismatch(Reason::SignInExpired, "expirationTime", "a time to come", short(text)));
        }
        if let Some(text) = &self.not_before
            && now.plus(expected.skew) < read(text, Reason::SignInNotBefore)?
        {
            return Err(Refusal::mismatch(Reason::SignInNotYetValid, "notBefore", "a past time", short(text)));
        }
        Ok(())
    }

    fn chain(&self) -> Result<ChainId, Refusal> {
        let chain = Caip2::parse(&self.chain_id).map_err(|_| {
            Refusal::mismatch(Reason::SignInChain, "chainId", "eip155 and a number", short(&self.chain_id))
        })?;
        let unsupported = || Refusal::mismatch(Reason::SignInUnsupportedChain, "chainId", "an EVM chain", &chain);
        chain.chain_id().filter(|_| self.kind == KEY_TYPE).ok_or_else(unsupported)
    }

    fn ecdsa(&self) -> Result<EcdsaSignature, Refusal> {
        match Signature::parse(&self.signature) {
            Ok(Signature::Ecdsa(signature)) => Ok(signature),
            Ok(Signature::SmartWallet(_)) => {
                Err(Refusal::new(Reason::SignInMalformedSignature, "signature: smart wallets can't be checked here"))
            }
            Err(error) => Err(Refusal::new(Reason::SignInMalformedSignature, format!("signature {error}"))),
        }
    }

    /// The text of EIP-4361, line for line.
    fn text(&self, signer: Address, chain: ChainId) -> String {
        let account = address::checksummed(signer);
        let statement = self.statement.as_ref().map(|statement| format!("{statement}\n")).unwrap_or_default();
        let mut text = format!(
            "{} wants you to sign in with your Ethereum account:\n{account}\n\n{statement}\nURI: {}\nVersion: {}\n\
             Chain ID: {chain}\nNonce: {}\nIssued At: {}",
            self.domain, self.uri, self.version, self.nonce, self.issued_at
        );
        let optional = [
            ("Expiration Time", &self.expiration_time),
            ("Not Before", &self.not_before),
            ("Request ID", &self.request_id),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                text.push_str(&format!("\n{name}: {value}"));
            }
        }
        if let Some(resources) = &self.resources {
            text.push_str("\nResources:");
            for resource in resources {
                text.push_str(&format!("\n- {resource}"));
            }
        }
        text
    }
}

/// Host, and port where it is not the scheme's own.
fn host(url: &Url) -> String {
    match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    }
}

/// RFC 3339 with milliseconds and `Z`, as JavaScript writes it.
fn iso(at: Timestamp) -> String {
    let text = at.rfc3339();
    format!("{}Z", text.get(..23).unwrap_or(&text))
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
