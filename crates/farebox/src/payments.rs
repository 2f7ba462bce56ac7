//! Signed payments put together: a facilitator for each network, and how the doors ask for money there.

use crate::config::{Config, Receiver, Settle, X402};
use crate::x402_wiring::{NetworkWiring, Settler, gas_key, x402_client, x402_networks};
use farebox_api::{OperatorPolicy, PaymentPlace, PaymentSettings, Proofs};
use farebox_base::{Clock, Error, Result, Rng};
use farebox_calls::{LaterSettling, Payments};
use farebox_db::Db;
use farebox_market::{PaymentBounds, PaymentOrder, PaymentReceiver};
use farebox_net::Client;
use farebox_x402::arrivals::Arrivals;
use farebox_x402::chain::Rpc;
use farebox_x402::facilitator::{
    Facilitator, FacilitatorService, Facilitators, LocalFacilitator, LocalParts, OwnPlace, RemoteFacilitator,
    RemoteSettings, ServiceParts, SqlStore,
};
use farebox_x402::network::Networks;
use std::sync::Arc;
use std::time::Duration;

/// Published clients wait 90 s for a facilitator.
const REMOTE_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a settlement that another facilitator calls pending is left alone.
const REMOTE_PENDING_WAIT: Duration = Duration::from_secs(2);

/// How long another server waits for a settlement before it is told that it is pending.
const SERVICE_PATIENCE: Duration = Duration::from_secs(60);

/// What calls and doors are handed.
#[derive(Default)]
pub(crate) struct Wired {
    pub taken: Payments,
    pub settings: PaymentSettings,
    pub facilitator: Option<FacilitatorService>,
}

/// Begins to reach for each configured chain, on the current runtime.
///
/// # Errors
/// `Unavailable` or `Invalid` where a key, network or URL can't be used.
pub(crate) fn wire(config: &Config, db: &Db, clock: &Arc<dyn Clock>, rng: &Arc<dyn Rng>) -> Result<Wired> {
    let wirings = x402_networks(&config.x402)?;
    if wirings.is_empty() {
        return Ok(Wired::default());
    }
    let gas_key = gas_key(&config.x402)?;
    let client = x402_client(config)?;
    let (mut facilitators, mut places, mut arrivals) = (Vec::new(), Vec::new(), Vec::new());
    for wiring in &wirings {
        arrivals.extend(seen(wiring, clock, &client));
        facilitators.push(facilitator(config, wiring, db, clock, &client)?);
        places.extend(wiring.network.tokens().iter().map(|token| PaymentPlace {
            network: wiring.network.clone(),
            token: token.clone(),
            pay_to: wiring.pay_to,
        }));
    }
    let networks = Networks::of(wirings.into_iter().map(|wiring| wiring.network).collect());
    let networks = networks.map_err(|error| Error::invalid("x402.networks", error.to_string()))?;
    let facilitators = Facilitators::new(facilitators).map_err(|e| Error::invalid("x402.networks", e.to_string()))?;
    let store = Arc::new(SqlStore::new(db.clone(), clock.clone(), rng.clone()));
    let service = FacilitatorService::new(ServiceParts {
        facilitators: facilitators.clone(),
        networks: networks.clone(),
        store: store.clone(),
        catalogue: store,
        clock: clock.clone(),
        recipients: config.x402.facilitator_recipients.clone().into(),
        own: OwnPlace::new(config.server.public_url().parse().ok()),
        patience: SERVICE_PATIENCE,
    });
    Ok(Wired {
        facilitator: Some(service),
        taken: Payments {
            networks: Arc::new(networks),
            facilitators,
            arrivals: arrivals.into(),
            later: config.x402.settles_later().then(|| LaterSettling::up_to(config.x402.later_max_usdc)),
        },
        settings: PaymentSettings {
            places,
            timeout_s: config.x402.timeout_s,
            least: config.x402.least_usdc,
            channels: config.x402.channels.then_some(config.x402.channel_withdraw_delay_s),
            policy: OperatorPolicy {
                order: order(config.x402.settle),
                receiver: receiver(config.x402.receiver),
                bounds: bounds(&config.x402),
            },
            proofs: Proofs {
                offers: gas_key.clone().filter(|_| config.x402.sign_offers),
                receipts: gas_key.filter(|_| config.x402.sign_receipts),
            },
        },
    })
}

/// What sellers may decide about payments on chain.
pub(crate) fn bounds(x402: &X402) -> PaymentBounds {
    PaymentBounds {
        orders: x402.orders_allowed.iter().copied().map(order).collect(),
        receivers: x402.receivers_allowed.iter().copied().map(receiver).collect(),
    }
}

const fn order(settle: Settle) -> PaymentOrder {
    match settle {
        Settle::After => PaymentOrder::After,
        Settle::Before => PaymentOrder::Before,
        Settle::Later => PaymentOrder::Later,
    }
}

const fn receiver(receiver: Receiver) -> PaymentReceiver {
    match receiver {
        Receiver::Gateway => PaymentReceiver::Gateway,
        Receiver::Seller => PaymentReceiver::Seller,
    }
}

/// Somebody else's facilitator tells nothing of other transactions.
fn seen(wiring: &NetworkWiring, clock: &Arc<dyn Clock>, client: &Client) -> Option<Arrivals> {
    let Settler::Own { settings, .. } = &wiring.settler else { return None };
    let rpc = Rpc::new(client.clone(), clock.clone(), settings);
    Some(Arrivals::new(rpc, wiring.network.clone(), wiring.pay_to, settings.confirmations))
}

fn facilitator(
    config: &Config,
    wiring: &NetworkWiring,
    db: &Db,
    clock: &Arc<dyn Clock>,
    client: &Client,
) -> Result<Arc<dyn Facilitator>> {
    Ok(match &wiring.settler {
        Settler::Own { key, settings } => LocalFacilitator::start(LocalParts {
            db: db.clone(),
            client: client.clone(),
            clock: clock.clone(),
            key: key.clone(),
            settings: (**settings).clone(),
            network: wiring.network.clone(),
        }),
        Settler::Remote { url, token, chain } => {
            let settings = RemoteSettings {
                url: url.clone(),
                network: wiring.network.caip2().clone(),
                authorization: token.as_ref().map(|token| format!("Bearer {}", token.expose())),
                timeout: REMOTE_TIMEOUT,
                pending_wait: REMOTE_PENDING_WAIT,
                resource_url: config.server.public_url(),
                chain: chain.as_deref().cloned(),
            };
            RemoteFacilitator::start(client.clone(), clock.clone(), settings)
                .map_err(|error| Error::invalid("facilitator_url", error.to_string()))?
        }
    })
}
