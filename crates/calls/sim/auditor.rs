//! The auditor: every request with what its buyer and its seller saw of it, every other movement of money, and what may
//! be answered at the moment when it is. What must be in the store at the end is in `verdict`.

use crate::sim::outside::whole_text;
use crate::sim::plan::Plan;
use crate::sim::stage::{BEGINNINGS, Stage};
use bytes::Bytes;
use farebox_base::{Clock, Kind, Micros, Ticks};
use std::sync::Arc;
use std::time::Duration;

/// What a buyer saw of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Saw {
    Whole {
        status: u16,
        bytes: Vec<u8>,
        call_id: String,
        amount: Micros,
        free_tier: bool,
        replayed: bool,
    },
    /// The reply broke off.
    Broken {
        error: String,
        amount: Micros,
    },
    /// The seller failed.
    Failed {
        code: &'static str,
        amount: Micros,
    },
    Refused {
        kind: Kind,
        code: &'static str,
        need: Micros,
    },
    /// The buyer left before or while the reply came.
    Left,
    LeftWithin {
        amount: Micros,
        replayed: bool,
    },
}

impl Saw {
    pub fn name(&self) -> String {
        match self {
            Saw::Whole { replayed: true, .. } => "replayed".to_owned(),
            Saw::Whole { status, .. } if *status >= 500 => "seller's 5xx".to_owned(),
            Saw::Whole { amount, .. } if amount.is_zero() => "served free".to_owned(),
            Saw::Whole { .. } => "served and charged".to_owned(),
            Saw::Broken { .. } => "reply broke".to_owned(),
            Saw::Failed { code, .. } => format!("failed: {code}"),
            Saw::Refused { code, .. } => format!("refused: {code}"),
            Saw::Left => "left before the end".to_owned(),
            Saw::LeftWithin { .. } => "left within the reply".to_owned(),
        }
    }
}

pub struct Request {
    pub plan: Plan,
    pub price: i64,
    pub life: u64,
    start: u64,
    end: Option<u64>,
    started: Ticks,
    pub saw: Option<Saw>,
    pub forwarded: bool,
    /// The head of the seller's answer has come.
    pub answered: bool,
    /// The buyer has the head.
    pub began: bool,
}

/// Money that another process spent.
struct Spent {
    at: Ticks,
    buyer: usize,
    amount: i64,
}

pub struct Auditor {
    stage: Arc<Stage>,
    pub requests: Vec<Request>,
    spent: Vec<Spent>,
    events: u64,
    pub life: u64,
    /// Whether the store fails now and then.
    pub is_faulty: bool,
    pub in_flight_max: usize,
    /// The first thing that was not permitted.
    pub problem: Option<String>,
    pub log: Vec<String>,
}

/// For how long memory may believe an old balance, and a little more.
const STALE: Duration = Duration::from_secs(2);

impl Auditor {
    pub fn new(stage: Arc<Stage>, is_faulty: bool, in_flight_max: usize) -> Self {
        let (requests, spent, log) = (Vec::new(), Vec::new(), Vec::new());
        Self { stage, requests, spent, events: 0, life: 0, is_faulty, in_flight_max, problem: None, log }
    }

    fn event(&mut self, text: String) -> u64 {
        self.events += 1;
        self.log.push(format!("{} {:?} {text}", self.life, self.stage.clock.ticks()));
        self.events
    }

    pub fn note(&mut self, text: String) {
        self.event(text);
    }

    fn forbid(&mut self, what: String) {
        self.log.push(what.clone());
        self.problem.get_or_insert(what);
    }

    pub fn asked(&mut self, plan: Plan) {
        let start = self.event(format!("asks {plan:?}"));
        let (price, life, started) = (self.stage.price(plan.listing), self.life, self.stage.clock.ticks());
        let (forwarded, answered, began) = (false, false, false);
        self.requests.push(Request {
            plan,
            price,
            life,
            start,
            end: None,
            started,
            saw: None,
            forwarded,
            answered,
            began,
        });
    }

    pub fn spent(&mut self, buyer: usize, amount: i64) {
        self.event(format!("buyer {buyer} spends {amount} elsewhere"));
        self.spent.push(Spent { at: self.stage.clock.ticks(), buyer, amount });
    }

    pub fn spent_by(&self, buyer: usize) -> i64 {
        self.spent.iter().filter(|spent| spent.buyer == buyer).map(|spent| spent.amount).sum()
    }

    /// The seller got the request; answers what it is to do.
    pub fn forwarded(&mut self, n: usize) -> Plan {
        self.event(format!("{n} is forwarded"));
        if self.requests[n].forwarded {
            self.forbid(format!("request {n} was forwarded twice"));
        }
        self.requests[n].forwarded = true;
        self.requests[n].plan.clone()
    }

    pub fn answered(&mut self, n: usize) {
        self.requests[n].answered = true;
    }

    pub fn began(&mut self, n: usize) {
        self.requests[n].began = true;
    }

    pub fn ended(&mut self, n: usize, saw: Saw) {
        let end = self.event(format!("{n} saw {saw:?}"));
        self.requests[n].end = Some(end);
        if let Err(problem) = self.judge(n, &saw, end) {
            self.forbid(format!("{}: {problem}\n  {:?} saw {saw:?}", saw.name(), self.requests[n].plan));
        }
        self.requests[n].saw = Some(saw);
    }

    fn judge(&self, n: usize, saw: &Saw, end: u64) -> Result<(), String> {
        let request = &self.requests[n];
        match saw {
            Saw::Whole { status, bytes, amount, free_tier, replayed: false, .. } => {
                if *status < 500 && *bytes != whole_text(&request.plan)[..] {
                    return Err("it is not what the seller sent".to_owned());
                }
                let due = if *free_tier || *status >= 500 { 0 } else { request.price };
                if amount.get() == due { Ok(()) } else { Err(format!("the receipt is not about {due}")) }
            }
            Saw::Whole { bytes, amount, replayed: true, .. } => self.judge_replay(request, bytes, *amount),
            Saw::Failed { code: "insufficient_balance", .. } => self.judge_late_refusal(request),
            Saw::Failed { amount, .. } if amount.is_zero() => Ok(()),
            Saw::Failed { .. } => Err("a failure costs something".to_owned()),
            Saw::Refused { code: "insufficient_balance", .. } if request.forwarded => self.judge_late_refusal(request),
            Saw::Refused { code: "insufficient_balance", .. } => self.judge_refusal(request, end),
            Saw::Refused { kind: Kind::Conflict, code, .. } => self.judge_conflict(request, code, end),
            Saw::Refused { .. } if self.is_faulty => Ok(()),
            Saw::Refused { kind: Kind::Unavailable, .. } if request.forwarded || self.in_flight_max < 1_000 => Ok(()),
            Saw::Refused { kind, .. } => Err(format!("nothing explains {kind:?}")),
            Saw::Broken { .. } | Saw::Left | Saw::LeftWithin { .. } => Ok(()),
        }
    }

    /// The requests with the same key.
    pub fn namesakes<'a>(&'a self, of: &'a Request) -> impl Iterator<Item = &'a Request> {
        let of = &of.plan;
        self.requests.iter().filter(move |other| {
            let other = &other.plan;
            of.key.is_some()
                && (other.buyer, other.listing, other.key) == (of.buyer, of.listing, of.key)
                && other.n != of.n
        })
    }

    fn judge_replay(&self, request: &Request, bytes: &[u8], amount: Micros) -> Result<(), String> {
        let is_origin = |other: &Request| {
            other.plan.body == request.plan.body
                && other.forwarded
                && Bytes::copy_from_slice(bytes) == whole_text(&other.plan)
        };
        match self.namesakes(request).any(is_origin) {
            _ if !amount.is_zero() => Err("a repeated answer costs something".to_owned()),
            true => Ok(()),
            false => Err("it is the answer to no such request".to_owned()),
        }
    }

    fn judge_conflict(&self, request: &Request, code: &str, end: u64) -> Result<(), String> {
        let before = |other: &&Request| other.start < end && !self.is_surely_free(other, request.start);
        let mut others = self.namesakes(request).filter(before);
        let fits = match code {
            "idempotency_key_reused" => others.any(|other| other.plan.body != request.plan.body),
            "idempotency_key_in_use" => others.any(|other| !self.is_surely_over(other, request.start)),
            "idempotent_reply_not_kept" => others.any(|other| other.answered),
            _ => false,
        };
        if fits { Ok(()) } else { Err("no other request stands against it".to_owned()) }
    }

    /// Whether the request had ended before `event` and had no effect.
    fn is_surely_free(&self, request: &Request, event: u64) -> bool {
        let ended = request.end.is_some_and(|end| end < event);
        ended
            && match &request.saw {
                Some(Saw::Whole { replayed: true, .. } | Saw::LeftWithin { replayed: true, .. }) => true,
                Some(Saw::Failed { code, .. }) => *code != "internal" && *code != "unavailable",
                Some(Saw::Whole { status, .. }) => *status >= 500,
                Some(Saw::Refused { code: "insufficient_balance", .. } | Saw::Refused { kind: Kind::Conflict, .. }) => {
                    true
                }
                _ => false,
            }
    }

    /// Whether the request's call was closed before `event`.
    fn is_surely_over(&self, request: &Request, event: u64) -> bool {
        let ended = request.end.is_some_and(|end| end < event);
        request.life < self.life
            || ended && (self.is_surely_free(request, event) || matches!(request.saw, Some(Saw::Whole { .. })))
    }

    /// Too little money is only where money can have been spent or held for other calls.
    fn judge_refusal(&self, request: &Request, end: u64) -> Result<(), String> {
        let (buyer, seller) = (request.plan.buyer, self.stage.seller(request.plan.listing));
        let [prepaid, promotional, funded] = BEGINNINGS[buyer];
        let prepaid = if seller == self.stage.seller(0) { prepaid } else { 0 };
        let others = self.requests.iter().filter(|other| {
            let plan = &other.plan;
            plan.buyer == buyer
                && plan.n != request.plan.n
                && other.start < end
                && !self.is_surely_free(other, request.start)
        });
        let exposed: i64 = others.map(|other| other.price).sum();
        let least = prepaid + promotional + funded - self.spent_by(buyer) - exposed;
        if least < request.price { Ok(()) } else { Err(format!("the buyer has at least {least}")) }
    }

    /// Too little money after the seller was asked is only where another process has spent it, or a lost answer hid
    /// what memory should have known.
    fn judge_late_refusal(&self, request: &Request) -> Result<(), String> {
        let since = |at: Ticks| request.started.since(at) <= STALE;
        let spent = self.spent.iter().any(|spent| spent.buyer == request.plan.buyer && since(spent.at));
        let hidden = self.is_faulty
            && self.requests.iter().any(|other| {
                let lost = matches!(other.saw, Some(Saw::Refused { kind: Kind::Internal | Kind::Unavailable, .. }));
                other.plan.buyer == request.plan.buyer && lost
            });
        if spent || hidden { Ok(()) } else { Err("nobody else has spent the money that was set aside".to_owned()) }
    }

    pub fn may_be_refused_late(&self, request: &Request) -> bool {
        self.judge_late_refusal(request).is_ok()
    }

    /// How many other calls may have had a free call of the listing while this one ran.
    pub fn rivals_for_slots(&self, request: &Request) -> usize {
        let end = request.end.unwrap_or(u64::MAX);
        let rivals = self.requests.iter().filter(|other| {
            (other.plan.buyer, other.plan.listing) == (request.plan.buyer, request.plan.listing)
                && other.plan.n != request.plan.n
                && other.start < end
                && !self.is_surely_free(other, request.start)
        });
        rivals.count()
    }
}
