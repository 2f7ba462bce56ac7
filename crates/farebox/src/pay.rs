//! Paying for a request as a client: ask, sign once, and send that same payment until an answer comes.
//!
//! Owns the loop over HTTP; what is offered, chosen and signed is `farebox_x402::client`'s. Knows no wallet file and
//! prints nothing. Invariants: for one bill one payment is signed by `call`; a payment that may have reached the server
//! is never replaced by another; nothing is signed beyond the preferences' limit.

mod verdict;

use alloy_primitives::hex;
use bytes::Bytes;
use farebox_base::{Clock, Micros, Rng};
use farebox_net::{Client, FetchLimits, NetError, NetErrorKind, full};
use farebox_x402::client::{Choice, ClientError, Preferences, Required, SignedHeader, read_receipt};
use farebox_x402::evm::SigningKey;
use farebox_x402::extension::identifier::PaymentIdentifier;
use farebox_x402::network::Networks;
use farebox_x402::offer::Offer;
use farebox_x402::wire::{SettlementResponse, names};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use std::sync::Arc;
use std::time::Duration;
use verdict::{Later, Verdict, judge, never_left, said, unknown};

/// Waits between tries of the same payment; after the last one it is given up.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// A request that may have to be paid for.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub url: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the server said to a request without a payment.
#[derive(Debug)]
pub enum Asked {
    /// It cost nothing, or was refused for another reason than money.
    Served(Answer),
    ToPay(Box<Bill>),
}

/// The offer of a 402 that is taken.
#[derive(Debug)]
pub struct Bill {
    choice: Choice,
    amount: Micros,
    answer: Answer,
}

/// What a paid request came to.
#[derive(Debug)]
pub struct Paid {
    pub answer: Answer,
    /// `None` where nothing was asked for.
    pub bill: Option<Box<Bill>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// The request never arrived, or what it led to is not known; no payment came with it, or it never left.
    #[error("{}", said(.0))]
    Net(#[from] NetError),
    /// Nothing was signed.
    #[error("{error}")]
    NotSigned {
        error: ClientError,
        /// The 402, where what it asks for was the trouble.
        answer: Option<Box<Answer>>,
    },
    /// The server says that it did not take the payment; whoever has it may take it as long as it is good.
    #[error("the payment was not taken: {reason}")]
    Refused {
        reason: String,
        answer: Box<Answer>,
        /// When it stops being good, in Unix seconds; `None` where that is not known.
        until_s: Option<i64>,
    },
    /// The server says that the payment may still be taken. Send it again, never another one.
    #[error("the payment is under way and may still be taken")]
    UnderWay { payment: Box<SignedHeader> },
    /// The payment may have been taken. Send it again, never another one.
    #[error("whether the payment was taken is not known: {why}")]
    Unknown { why: String, payment: Box<SignedHeader> },
}

/// What a payer is made of.
#[derive(Clone)]
pub struct PayerParts {
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// Those whose tokens are trusted to be what they say.
    pub networks: Networks,
    pub preferences: Preferences,
    /// Of each try.
    pub limits: FetchLimits,
}

/// Pays for requests.
#[derive(Clone)]
pub struct Payer {
    parts: PayerParts,
}

impl Request {
    /// Whether it brings a payment of its own, for which no other one must be signed.
    pub fn has_payment(&self) -> bool {
        [names::PAYMENT_SIGNATURE, names::X_PAYMENT].iter().any(|name| self.headers.contains_key(*name))
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The receipt in the headers; `None` where there is none that can be read.
    pub fn receipt(&self) -> Option<SettlementResponse> {
        read_receipt(|name| self.header(name)).ok().flatten()
    }

    fn required(&self) -> Result<Required, ClientError> {
        Required::read(self.status.as_u16(), |name| self.header(name), &self.body)
    }

    /// Why a payment was refused, in the server's words.
    fn complaint(&self) -> String {
        let of_receipt = self.receipt().and_then(|receipt| {
            let SettlementResponse { error_reason, error_message, .. } = receipt;
            Some([error_reason, error_message].into_iter().flatten().collect::<Vec<_>>().join(": "))
                .filter(|text| !text.is_empty())
        });
        of_receipt
            .or_else(|| self.required().ok()?.error().map(str::to_owned))
            .unwrap_or_else(|| format!("status {}", self.status.as_u16()))
    }
}

impl Bill {
    pub const fn offer(&self) -> &Offer {
        &self.choice.offer
    }

    /// What is signed for.
    pub const fn amount(&self) -> Micros {
        self.amount
    }

    /// The 402 with all its offers, for payers who choose another one.
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }
}

impl Payer {
    pub const fn new(parts: PayerParts) -> Self {
        Self { parts }
    }

    /// Sends the request as it is.
    ///
    /// # Errors
    /// `Net`; `NotSigned` where what is asked for can't be read or is not to be paid.
    pub async fn ask(&self, request: &Request) -> Result<Asked, PayError> {
        let answer = self.send(request, None).await?;
        if answer.status != StatusCode::PAYMENT_REQUIRED {
            return Ok(Asked::Served(answer));
        }
        if request.has_payment() {
            let (reason, until_s) = (answer.complaint(), None);
            return Err(PayError::Refused { reason, answer: Box::new(answer), until_s });
        }
        match answer.required().and_then(|required| self.chosen(&required)) {
            Ok((choice, amount)) => Ok(Asked::ToPay(Box::new(Bill { choice, amount, answer }))),
            Err(error) => Err(PayError::NotSigned { error, answer: Some(Box::new(answer)) }),
        }
    }

    /// Signs the payment of a bill.
    ///
    /// # Errors
    /// Where the offer is of a scheme that needs more than a signature.
    pub fn sign(&self, bill: &Bill, key: &SigningKey) -> Result<SignedHeader, ClientError> {
        let (mut nonce, mut name) = ([0; 32], [0; 16]);
        self.parts.rng.fill(&mut nonce);
        self.parts.rng.fill(&mut name);
        let identifier = PaymentIdentifier::parse(&hex::encode(name))?;
        bill.choice.sign(key, nonce, self.parts.clock.now(), Some(&identifier))
    }

    /// Sends the request with a payment, and where no answer comes with the same one again.
    ///
    /// # Errors
    /// `Net` where the payment never left; `Refused`; `UnderWay`; `Unknown`.
    pub async fn pay(&self, request: &Request, payment: &SignedHeader) -> Result<Answer, PayError> {
        let mut pauses = PAUSES.into_iter();
        // Why a try that may have arrived led to no answer.
        let mut lost: Option<Later> = None;
        loop {
            let again = match self.send(request, Some(payment)).await {
                Ok(answer) => match judge(answer, payment, lost.as_ref()) {
                    Verdict::Answer(answer) => return Ok(answer),
                    Verdict::Refused(error) => return Err(error),
                    Verdict::Unknown(why) => return Err(unknown(why, payment)),
                    Verdict::Later(why) => Err(why),
                },
                Err(error) if never_left(&error) => Ok(error),
                Err(error) if error.kind == NetErrorKind::ResponseTooLarge => {
                    return Err(unknown(said(&error), payment));
                }
                Err(error) => Err(Later::Lost(said(&error))),
            };
            let pause = pauses.next();
            match (again, pause) {
                (Ok(error), None) if lost.is_none() => return Err(PayError::Net(error)),
                (Ok(error), None) => return Err(unknown(said(&error), payment)),
                (Err(why), None) => return Err(why.given_up(payment)),
                (Err(why), Some(_)) => lost = Some(why),
                (Ok(_), Some(_)) => {}
            }
            tokio::time::sleep(pause.unwrap_or_default()).await;
        }
    }

    /// All of it: asks, signs at most one payment, sends it.
    ///
    /// # Errors
    /// Those of the steps.
    pub async fn call(&self, request: &Request, key: &SigningKey) -> Result<Paid, PayError> {
        let bill = match self.ask(request).await? {
            Asked::Served(answer) => return Ok(Paid { answer, bill: None }),
            Asked::ToPay(bill) => bill,
        };
        let payment = self.sign(&bill, key).map_err(|error| PayError::NotSigned { error, answer: None })?;
        let answer = self.pay(request, &payment).await?;
        Ok(Paid { answer, bill: Some(bill) })
    }

    fn chosen(&self, required: &Required) -> Result<(Choice, Micros), ClientError> {
        let choice = required.choose(&self.parts.networks, &self.parts.preferences)?;
        let amount = choice.offer.micros().map_err(|error| ClientError::NoOffer(format!("the amount {error}")))?;
        Ok((choice, amount))
    }

    async fn send(&self, request: &Request, payment: Option<&SignedHeader>) -> Result<Answer, NetError> {
        let broken = |what: &str| NetError::new(NetErrorKind::Blocked, what);
        let mut outgoing = http::Request::new(full(request.body.clone()));
        *outgoing.method_mut() = request.method.clone();
        *outgoing.uri_mut() = request.url.clone();
        *outgoing.headers_mut() = request.headers.clone();
        if let Some(payment) = payment {
            let value = HeaderValue::from_str(&payment.value).map_err(|_| broken("the payment is no header"))?;
            outgoing.headers_mut().insert(payment.name, value);
        }
        let (head, body) = self.parts.client.fetch(outgoing, self.parts.limits).await?.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}
