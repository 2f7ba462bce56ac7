//! `farebox pay`: one request, paid where it must be.
//!
//! The answer's body goes to standard output, everything else to standard error. Invariant: the wallet's key is printed
//! nowhere, and is read only once a payment is to be signed.

use super::pay_telling::{self as telling, tell};
use super::wallet;
use crate::pay::{Answer, Asked, Bill, PayError, Payer, PayerParts, Request};
use bytes::Bytes;
use clap::Args;
use farebox_base::{Micros, SystemClock, SystemRng};
use farebox_net::{Client, FetchLimits, Policy};
use farebox_x402::client::Preferences;
use farebox_x402::evm::SigningKey;
use farebox_x402::network::Networks;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Holds the key where no wallet is named.
const KEY_VARIABLE: &str = "FAREBOX_WALLET_KEY";
/// The largest body that is sent.
const DATA_BYTES_MAX: u64 = 64 << 20;
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 << 20;

const AFTER: &str = "\
The body of the answer goes to standard output, everything else to standard error. On a terminal you are asked before \
anything is signed, unless you say --yes; elsewhere --max-amount alone decides. A payment that had no answer is sent \
again as it is; never is a second one signed. Redirects are not followed.

Exit status: 0 where the request was served, paid or free (an answer below 300); 2 where nothing was signed, because it \
is too expensive, no offer can be paid, you said no, or because an option or the wallet can't be used; 3 where a signed \
payment has left and is not known to be taken: it was refused, is under way or had no answer, and may be taken as long as \
it is good, which is said, and is ten minutes at most; 1 otherwise.";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(super) struct PayArgs {
    /// What to request: http://… or https://…
    url: String,
    /// GET, or POST where there is --data.
    #[arg(long, short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// The body, or the name of a file with it after an @; @- is standard input. JSON is sent as such.
    #[arg(long, short = 'd', value_name = "DATA")]
    data: Option<String>,
    /// A header, as 'Name: value'; may be given several times.
    #[arg(long, short = 'H', value_name = "HEADER")]
    header: Vec<String>,
    /// The most that is paid, in USDC.
    #[arg(long, value_name = "USDC", default_value = "1", allow_negative_numbers = true)]
    max_amount: String,
    /// File with the key that pays; without one FAREBOX_WALLET_KEY holds it. `farebox wallet new` makes one.
    #[arg(long, value_name = "FILE")]
    wallet: Option<PathBuf>,
    /// Pay on this network only: base, base-sepolia, eip155:137, …; may be given several times.
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
    /// How long each try may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Sign without asking.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Show the headers that are sent and received.
    #[arg(long, short = 'v')]
    verbose: bool,
}

/// Why there is no answer, and how the command ends.
pub(super) struct Failed {
    pub status: u8,
    pub message: String,
}

/// Also of commands that can't be used as they are.
const NOT_PAID: u8 = 2;
/// A signed payment is with the server, which has not said that it took it.
const IN_DOUBT: u8 = 3;
const TROUBLE: u8 = 1;

/// What came of a request that was sent.
struct Done {
    answer: Answer,
    /// Whether a payment was sent along.
    is_signed: bool,
}

/// Everything ends here: its statuses differ from those of the other commands.
pub(super) async fn run(args: PayArgs) -> ExitCode {
    match pay(&args).await {
        Ok(done) if done.answer.status.as_u16() < 300 => ExitCode::SUCCESS,
        Ok(Done { answer, is_signed }) => {
            tell(telling::not_served(&answer));
            let is_taken = answer.receipt().is_some_and(|receipt| receipt.success);
            ExitCode::from(if is_signed && !is_taken { IN_DOUBT } else { TROUBLE })
        }
        Err(failed) => {
            tell(format!("farebox: {}", failed.message));
            ExitCode::from(failed.status)
        }
    }
}

async fn pay(args: &PayArgs) -> Result<Done, Failed> {
    let request = request(args)?;
    let payer = payer(args)?;
    if args.verbose {
        tell(telling::sent(&request));
    }
    let asked = payer.ask(&request).await.map_err(failed).map_err(|failed| match failed.status {
        TROUBLE if request.has_payment() => Failed { status: IN_DOUBT, ..failed },
        _ => failed,
    });
    let bill = match asked? {
        Asked::Served(answer) => {
            let is_signed = request.has_payment();
            if is_signed {
                tell(telling::of_own_payment(&answer));
            }
            return shown(args, answer).map(|answer| Done { answer, is_signed });
        }
        Asked::ToPay(bill) => bill,
    };
    tell(telling::bill(&bill));
    let key = key(args)?;
    agreed(args, &bill)?;
    let payment = payer.sign(&bill, &key).map_err(|error| PayError::NotSigned { error, answer: None });
    let payment = payment.map_err(failed)?;
    if args.verbose {
        tell(telling::payment(&payment));
    }
    let answer = payer.pay(&request, &payment).await.map_err(failed)?;
    tell(telling::receipt(&bill, &answer, &payment));
    shown(args, answer).map(|answer| Done { answer, is_signed: true })
}

fn shown(args: &PayArgs, answer: Answer) -> Result<Answer, Failed> {
    if args.verbose {
        tell(telling::received(&answer));
    }
    let mut out = std::io::stdout();
    out.write_all(&answer.body).and_then(|()| out.flush()).map_err(|error| trouble(format!("can't print: {error}")))?;
    Ok(answer)
}

fn request(args: &PayArgs) -> Result<Request, Failed> {
    let parsed = url::Url::parse(&args.url).map_err(|error| unusable(format!("{} is no URL: {error}", args.url)))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
        return Err(unusable(format!("{} must begin with http:// or https:// and name a server", args.url)));
    }
    let url = parsed.as_str().split('#').next().unwrap_or_default();
    let url: Uri = url.parse().map_err(|error| unusable(format!("{} is no URL: {error}", args.url)))?;
    let body = args.data.as_deref().map(data).transpose()?;
    let usual = if body.is_some() { Method::POST } else { Method::GET };
    let method = args.method.as_ref().map(|text| text.to_ascii_uppercase().parse::<Method>());
    let method = method.unwrap_or(Ok(usual)).map_err(|_| unusable("--method must be one such as GET".to_owned()))?;
    let mut headers = HeaderMap::new();
    for line in &args.header {
        let (name, value) = header(line)?;
        headers.append(name, value);
    }
    let body = body.unwrap_or_default();
    if !body.is_empty() && !headers.contains_key(http::header::CONTENT_TYPE) {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "application/octet-stream" };
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(Request { method, url, headers, body })
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), Failed> {
    let wrong = || unusable("--header must be 'Name: value'".to_owned());
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    Ok((name.trim().parse().map_err(|_| wrong())?, value.trim().parse().map_err(|_| wrong())?))
}

fn data(text: &str) -> Result<Bytes, Failed> {
    let Some(file) = text.strip_prefix('@') else { return Ok(Bytes::from(text.to_owned())) };
    let unread = |error: std::io::Error| unusable(format!("can't read the data of {file}: {error}"));
    let mut bytes = Vec::new();
    let limit = DATA_BYTES_MAX + 1;
    let read = if file == "-" {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(limit).read_to_end(&mut bytes))
    };
    if u64::try_from(read.map_err(unread)?).unwrap_or(u64::MAX) > DATA_BYTES_MAX {
        return Err(unusable(format!("{file} is over {DATA_BYTES_MAX} bytes")));
    }
    Ok(bytes.into())
}

fn payer(args: &PayArgs) -> Result<Payer, Failed> {
    let networks = Networks::builtin().map_err(|error| unusable(error.to_string()))?;
    let max_amount = Micros::parse(&args.max_amount).map_err(|error| unusable(format!("--max-amount {error}")))?;
    if max_amount < Micros::ZERO {
        return Err(unusable("--max-amount must not be negative".to_owned()));
    }
    let mut preferences = Preferences::up_to(max_amount);
    for name in &args.network {
        let network = networks.by_name(name).ok_or_else(|| {
            let known: Vec<_> = networks.all().iter().filter_map(|network| network.v1_name()).collect();
            unusable(format!("--network {name} is not known; there is {}", known.join(", ")))
        })?;
        preferences.chains.push(network.chain_id());
    }
    let limits = FetchLimits { timeout_ms: args.timeout.saturating_mul(1_000), max_response_bytes: ANSWER_BYTES_MAX };
    let (clock, rng) = (Arc::new(SystemClock::default()), Arc::new(SystemRng));
    Ok(Payer::new(PayerParts { client: client()?, clock, rng, networks, preferences, limits }))
}

/// Whoever sits at the command line may reach whatever the machine can.
fn client() -> Result<Client, Failed> {
    let allow = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|rule| rule.parse().ok()).collect();
    Client::new(Policy { allow, ..Policy::default() }).map_err(|error| unusable(error.message))
}

fn key(args: &PayArgs) -> Result<SigningKey, Failed> {
    if let Some(file) = &args.wallet {
        if wallet::is_open_to_others(file) {
            tell(format!("farebox: others may read {}; chmod 600 it", file.display()));
        }
        return wallet::read(file).map_err(unusable);
    }
    match std::env::var(KEY_VARIABLE) {
        Ok(text) => SigningKey::from_hex(&text).map_err(|error| unusable(format!("{KEY_VARIABLE} {error}"))),
        Err(_) => Err(not_paid(format!(
            "nothing was paid: name a wallet with --wallet FILE or {KEY_VARIABLE}; `farebox wallet new FILE` makes one"
        ))),
    }
}

/// Asks whoever sits at the terminal.
fn agreed(args: &PayArgs, bill: &Bill) -> Result<(), Failed> {
    if args.yes || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let _ = write!(std::io::stderr(), "Pay {} {}? [y/N] ", bill.amount(), bill.offer().token().symbol());
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    if matches!(line.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(not_paid("nothing was paid".to_owned())) }
}

fn failed(error: PayError) -> Failed {
    let status = match &error {
        PayError::NotSigned { .. } => NOT_PAID,
        PayError::Refused { .. } | PayError::UnderWay { .. } | PayError::Unknown { .. } => IN_DOUBT,
        PayError::Net(_) => TROUBLE,
    };
    Failed { status, message: telling::error(&error) }
}

fn trouble(message: String) -> Failed {
    Failed { status: TROUBLE, message }
}

/// Nothing was paid, for the command's own sake.
fn unusable(message: String) -> Failed {
    not_paid(message)
}

fn not_paid(message: String) -> Failed {
    Failed { status: NOT_PAID, message }
}
