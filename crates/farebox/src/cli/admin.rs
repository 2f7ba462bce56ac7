//! `farebox admin`: keys for others and credits by hand, straight on the database.
//!
//! The embedded database is open to one process at a time: stop the server first, or use PostgreSQL.

use super::output::{explained, say};
use super::{CliResult, ConfigArgs};
use crate::app::App;
use clap::{Args, Subcommand, ValueEnum};
use farebox_accounts::OperatorsOwner;
use farebox_base::{Error, Kind, ListingId, Micros, MoneyError, PartyId, Result, Role, TransferId};
use farebox_billing::Grant;
use std::process::ExitCode;

/// The most that one credit may bring, a billion USDC: the sums of all accounts must stay far from what a number holds.
const CREDIT_MOST: Micros = Micros::new(1_000_000_000 * Micros::PER_UNIT);

#[derive(Args, Debug)]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Subcommand, Debug)]
enum AdminCommand {
    /// Make an API key for an owner; the owner is made if it is new.
    CreateKey(CreateKeyArgs),
    /// Credit an account from the operator's own money.
    Credit(CreditArgs),
    /// OAuth providers for everybody: set up, list, delete.
    OauthProvider(super::oauth_provider::OauthProviderArgs),
}

#[derive(Args, Debug)]
struct CreateKeyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The owner's name at the marketplace, or an organization's id.
    #[arg(long)]
    owner: String,
    /// Also where the owner exists already: the key joins whoever made it.
    #[arg(long)]
    existing: bool,
    /// What the key may do.
    #[arg(long, value_enum, default_value_t = KeyRole::Admin)]
    role: KeyRole,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum KeyRole {
    Buyer,
    Provider,
    Admin,
}

#[derive(Args, Debug)]
struct CreditArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Whom to credit: an owner_id of the marketplace, a party's id (`data.default_organization_id` of GET /auth/me with
    /// the owner's key), or a wallet address (0x…).
    #[arg(long)]
    owner: String,
    /// How much, in USDC: 10 or 0.25; at most 1,000,000,000.
    #[arg(long, allow_negative_numbers = true)]
    amount: String,
    /// Spendable at this provider only (its id), as a deposit at the SQL gateway is.
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// A line for the statement.
    #[arg(long, default_value = "Credit by the operator")]
    memo: String,
    /// A word that names this credit: repeated with the same word, it is made once.
    #[arg(long, value_name = "WORD")]
    id: Option<String>,
}

pub(super) async fn run(args: AdminArgs) -> CliResult {
    match args.command {
        AdminCommand::CreateKey(args) => {
            let app = App::start(&args.config.load(&[])?, None).await.map_err(explained)?;
            let done = create_key(&app, &args).await;
            finish(app, done).await
        }
        AdminCommand::Credit(args) => {
            let amount = amount(&args.amount).map_err(explained)?;
            let app = App::start(&args.config.load(&[])?, None).await.map_err(explained)?;
            let done = credit(&app, &args, amount).await;
            finish(app, done).await
        }
        AdminCommand::OauthProvider(args) => {
            let app = App::start(&args.config().load(&[])?, None).await.map_err(explained)?;
            let done = args.run(&app).await;
            finish(app, done).await
        }
    }
}

async fn finish(app: App, done: Result<Vec<String>>) -> CliResult {
    app.stop_writing().await;
    done.map_err(explained)?.into_iter().for_each(say);
    Ok(ExitCode::SUCCESS)
}

async fn create_key(app: &App, args: &CreateKeyArgs) -> Result<Vec<String>> {
    let role = match args.role {
        KeyRole::Buyer => Role::Buyer,
        KeyRole::Provider => Role::Provider,
        KeyRole::Admin => Role::Admin,
    };
    let owner = if args.existing { OperatorsOwner::Any } else { OperatorsOwner::New };
    let key = app.accounts.operator_key(&args.owner, role, owner).await.map_err(|error| match error.code {
        "owner_exists" => Error { message: format!("{}; add --existing if you mean it", error.message), ..error },
        _ => error,
    })?;
    Ok(vec![
        format!("owner            {}", args.owner),
        format!("role             {}", key.role.text()),
        format!("key              {}", key.platform_spelling()),
        format!("marketplace key  {}:{}", key.marketplace_key_id(), key.marketplace_secret()),
        "The secret is shown only this once.".to_owned(),
    ])
}

fn amount(text: &str) -> Result<Micros> {
    match Micros::parse(text) {
        Ok(amount) if amount > CREDIT_MOST => {
            Err(Error::invalid("amount", format!("must be at most {CREDIT_MOST} USDC in one credit")))
        }
        Ok(amount) if !amount.is_zero() => Ok(amount),
        Ok(_) | Err(MoneyError::Negative) => Err(Error::invalid("amount", "must be greater than zero")),
        Err(MoneyError::Overflow) => {
            Err(Error::invalid("amount", format!("must be at most {CREDIT_MOST} USDC in one credit")))
        }
        Err(error) => Err(Error::money("amount", error)),
    }
}

async fn credit(app: &App, args: &CreditArgs, amount: Micros) -> Result<Vec<String>> {
    let party = party(app, &args.owner).await?;
    let seller = match &args.provider {
        Some(text) => Some(seller(app, text).await?),
        None => None,
    };
    let id = match &args.id {
        Some(word) => format!("admin-credit:{word}"),
        None => format!("admin-credit:{}", TransferId::generate(&*app.clock, &*app.rng)),
    };
    let grant = Grant { id, party, seller, amount, memo: args.memo.clone() };
    let made = app.wallets.grant(&grant).await?;
    let balances = app.wallets.balances(party).await?;
    let verb = if made { "credited" } else { "was credited before, nothing was done now:" };
    if args.owner.starts_with("0x") {
        say(
            "note: nobody owns this address yet; it spends by signing for each query, or where sql_gateway.wallet_proof is \"optional\"",
        );
    }
    Ok(vec![
        format!("{} {verb} {amount} USDC", args.owner),
        format!("party {party}"),
        format!("balance: {} USDC funded, {} USDC promotional", balances.funded, balances.promotional),
    ])
}

/// Whom an owner's name, a party's id or a wallet address means.
pub(super) async fn party(app: &App, owner: &str) -> Result<PartyId> {
    if owner.starts_with("0x") {
        let wallet = app.accounts.wallet_party_ensure(owner).await?;
        if wallet.registered {
            let message = format!(
                "party {} has named this address as its own, without proof; credit that id if you mean it",
                wallet.party_id
            );
            return Err(Error::conflict("wallet_claimed", message));
        }
        return Ok(wallet.party_id);
    }
    if let Some(id) = PartyId::parse(owner)
        && app.accounts.party(id).await?.is_some()
    {
        return Ok(id);
    }
    let party = app.accounts.party_by_handle(owner).await?;
    party.map(|party| party.id).ok_or_else(|| unknown(owner))
}

fn unknown(owner: &str) -> Error {
    let message = format!(
        "there is no owner {owner:?}. An owner is an owner_id, as keys were made for with `farebox admin create-key \
         --owner` or at POST /api/v1/keys; a party's id, which GET /auth/me shows as data.default_organization_id to \
         whoever holds the owner's key; or a wallet address, 0x and 40 hex digits. The table `party` of the database \
         lists them as handle, id and wallet_address"
    );
    Error::new(Kind::NotFound, "not_found", message)
}

async fn seller(app: &App, provider: &str) -> Result<PartyId> {
    let id = ListingId::parse(provider).ok_or_else(|| Error::invalid("provider", "must be a provider's id"))?;
    let entry = app.market.by_id(id).await?.ok_or_else(|| Error::not_found("Provider"))?;
    Ok(entry.listing.party_id)
}
