//! `farebox serve`.

use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::app::App;
use crate::{logging, serve, wiring};
use clap::Args;
use std::process::ExitCode;

const AFTER: &str = "Requests to sellers never go to private addresses, this machine's own among them, but to those that net.allow or \
                     FAREBOX_NET_ALLOW names: FAREBOX_NET_ALLOW=127.0.0.1:9000 farebox serve";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address and port to listen on: 127.0.0.1:8402, or 0.0.0.0:8402 for all of the machine's.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub(super) async fn run(args: ServeArgs) -> CliResult {
    let config = args.config.load(&[("server.listen", args.listen)])?;
    logging::start(&config.log)?;
    let app = App::start(&config, None).await.map_err(explained)?;
    let listener = serve::bind(&config.server.listen.to_string()).await.map_err(explained)?;
    let bound = listener.local_addr().map_err(|e| e.to_string())?;
    let base = match &config.server.public_url {
        Some(url) => url.clone(),
        None => format!("http://{bound}"),
    };
    let stop = serve::stop_signal();
    let (version, books) = (env!("CARGO_PKG_VERSION"), wiring::books_place(&config));
    say(format!("farebox {version} serves {base} (documents: {base}/docs), {books}"));
    tracing::info!(version, listen = %bound, books, "started");
    app.serve(listener, stop).await;
    tracing::info!("stopped; nothing is left open");
    say("farebox stopped; nothing is left open");
    Ok(ExitCode::SUCCESS)
}
