//! `farebox serve`.

use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::app::App;
use crate::{logging, serve};
use clap::Args;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDR")]
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
    say(format!("farebox {} serves {base} (documents: {base}/docs)", env!("CARGO_PKG_VERSION")));
    app.serve(listener, serve::stop_signal()).await;
    say("farebox stopped; nothing is left open");
    Ok(ExitCode::SUCCESS)
}
