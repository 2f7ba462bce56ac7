//! A buyer's side of one request: asks, reads, or goes away.

use crate::sim::auditor::{Auditor, Saw};
use crate::sim::outside::REQUEST;
use crate::sim::plan::{Leaves, Plan};
use crate::sim::stage::Stage;
use farebox_base::{Clock, Error, Micros};
use farebox_calls::{Calls, HttpCall, IdempotencyKey, Payer};
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// Asks once, and tells the auditor what came of it.
pub async fn ask(calls: Calls, stage: Arc<Stage>, auditor: Arc<Mutex<Auditor>>, plan: Plan) {
    let n = plan.n;
    let saw = match plan.leaves {
        Leaves::After { ms } => {
            let asked = request(&calls, &stage, &auditor, &plan);
            tokio::time::timeout(Duration::from_millis(ms), asked).await.unwrap_or(Saw::Left)
        }
        Leaves::Never | Leaves::Within { .. } => request(&calls, &stage, &auditor, &plan).await,
    };
    auditor.lock().ended(n, saw);
}

async fn request(calls: &Calls, stage: &Stage, auditor: &Mutex<Auditor>, plan: &Plan) -> Saw {
    let mut headers = HeaderMap::new();
    headers.insert(REQUEST, HeaderValue::from(plan.n));
    let key = plan.key.and_then(|key| IdempotencyKey::parse(&format!("key-{key}")).ok());
    let call = HttpCall {
        payer: Payer { party_id: stage.buyers[plan.buyer], key_id: None },
        entry: stage.listings[plan.listing].clone(),
        door: "platform",
        method: Method::GET,
        path_and_query: "/now".to_owned(),
        headers,
        body: farebox_net::full(format!("body {}", plan.body)),
        payment: None,
        user: None,
        idempotency_key: key,
        request_id: format!("{:06}", plan.n),
        received: stage.clock.ticks(),
    };
    let answer = match calls.call_http(Box::new(call)).await {
        Ok(answer) => answer,
        Err(error) => return refused(&error),
    };
    let receipt = answer.receipt;
    let reply = match answer.reply {
        Ok(reply) => reply,
        Err(error) => return Saw::Failed { code: error.code, amount: receipt.amount },
    };
    auditor.lock().began(plan.n);
    let (status, mut body) = (reply.status().as_u16(), reply.into_body());
    let (mut bytes, mut frames) = (Vec::new(), 0);
    loop {
        if plan.leaves == (Leaves::Within { frames }) {
            return Saw::LeftWithin { amount: receipt.amount, replayed: receipt.replayed };
        }
        match body.frame().await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Some(Err(error)) => return Saw::Broken { error: error.to_string(), amount: receipt.amount },
            None => break,
        }
        frames += 1;
    }
    let (call_id, free_tier, replayed) = (receipt.call_id.to_string(), receipt.free_tier, receipt.replayed);
    Saw::Whole { status, bytes, call_id, amount: receipt.amount, free_tier, replayed }
}

fn refused(error: &Error) -> Saw {
    let need = error.payment.map_or(Micros::ZERO, |need| need.required);
    Saw::Refused { kind: error.kind, code: error.code, need }
}
