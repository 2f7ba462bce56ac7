//! `farebox demo`: a server, a seller's API and a database in one process, and a story played over real HTTP.
//!
//! With `--chain` another story: a chain beside them, and a buyer who has nothing but a wallet.

mod chain;
pub mod client;
mod database;
mod story;
mod telling;
mod upstream;

use crate::app::App;
use crate::cli::{CliResult, say};
use crate::config::{Config, ConfigSources, load};
use crate::serve::{self, SocketSettings};
use chain::Chain;
use clap::Args;
use farebox_base::{Error, Result};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use telling::Telling;
use tokio::net::TcpListener;
use upstream::WeatherServer;

/// Arguments of `farebox demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// End after the story: exit 0 when every step held, 1 with the step that did not.
    #[arg(long)]
    once: bool,
    /// Address and port to listen on; a free port is taken when this one is in use.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8402")]
    listen: String,
    /// Start a chain too, and let a buyer without an account pay on it (x402). Needs anvil.
    #[arg(long)]
    chain: bool,
    /// With --chain: the seller's wallet receives, instead of the gateway's.
    #[arg(long, requires = "chain")]
    direct: bool,
}

/// Settings over the defaults, by key.
type Overrides = Vec<(&'static str, String)>;

/// The parts that run during the demo.
struct Stage {
    app: App,
    weather: Arc<WeatherServer>,
    weather_address: SocketAddr,
    base: String,
    listener: Option<TcpListener>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn run(args: DemoArgs) -> CliResult {
    let folder = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let chain = if args.chain { Some(Chain::start(folder.path(), args.direct).await?) } else { None };
    let more = chain.as_ref().map(Chain::overrides).unwrap_or_default();
    let staged = stage(&args, folder, more).await;
    let mut stage = staged.map_err(|error| error.internal.unwrap_or(error.message))?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let serving = start(&mut stage, stopped)?;
    let mut telling = Telling::new(&stage.base);
    let outcome = match &chain {
        Some(chain) => chain::tell(&stage, chain, &mut telling).await,
        None => story::tell(&stage, &mut telling).await,
    };
    let code = match &outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(step) => {
            say(format!("\nFAILED at: {step}"));
            ExitCode::FAILURE
        }
    };
    if !args.once && outcome.is_ok() {
        say(telling::what_next(&stage.base, chain.as_ref().map(|chain| chain.what_next(&stage.base))));
        serve::stop_signal().await;
    }
    let _ = stop.send(true);
    for task in serving {
        let _ = task.await;
    }
    Ok(code)
}

/// Opens the store in the folder and binds the sockets.
async fn stage(args: &DemoArgs, folder: tempfile::TempDir, more: Overrides) -> Result<Stage> {
    let weather_socket = serve::bind("127.0.0.1:0").await?;
    let weather_address = address(&weather_socket)?;
    let listener = match serve::bind(&args.listen).await {
        Ok(listener) => listener,
        Err(_) => serve::bind("127.0.0.1:0").await?,
    };
    let base = format!("http://{}", address(&listener)?);
    let config = config(folder.path(), &base, weather_address, more)?;
    database::make(&folder.path().join(database::FILE))?;
    let app = App::start(&config, Some(folder.path())).await?;
    let weather = Arc::new(WeatherServer::default());
    tokio::spawn(serve::serve(weather_socket, weather.clone(), SocketSettings::default(), std::future::pending()));
    Ok(Stage { app, weather, weather_address, base, listener: Some(listener), _folder: folder })
}

fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|e| Error::unavailable(e.to_string()))
}

/// The defaults, but for what a demo on one machine needs: its own upstream is allowed, a fee shows in the books,
/// wallets need no proof, and nobody is slowed down.
fn config(folder: &std::path::Path, base: &str, weather: SocketAddr, more: Overrides) -> Result<Config> {
    let settings = [
        ("database.data_dir", folder.display().to_string()),
        ("server.public_url", base.to_owned()),
        ("net.allow", weather.to_string()),
        ("fees.gateway_fee_basis_points", "500".to_owned()),
        ("bonus.signup_usdc", "0.50".to_owned()),
        ("marketplace.open_provider_registration", "true".to_owned()),
        ("sql_gateway.wallet_proof", "optional".to_owned()),
        ("limits.marketplace_enabled", "false".to_owned()),
        ("limits.sql_gateway_enabled", "false".to_owned()),
    ];
    let overrides = settings.into_iter().chain(more).map(|(key, value)| (key.to_owned(), value)).collect();
    let sources = ConfigSources { file: None, env: std::iter::empty(), overrides };
    load(sources).map_err(|error| Error::internal(error.to_string()))
}

type Serving = Vec<tokio::task::JoinHandle<()>>;

fn start(stage: &mut Stage, mut stopped: tokio::sync::watch::Receiver<bool>) -> Result<Serving, String> {
    let listener = stage.listener.take().ok_or("the demo was started twice")?;
    let app = stage.app.clone();
    let serving = tokio::spawn(async move {
        app.serve(listener, async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        })
        .await;
    });
    Ok(vec![serving])
}
