//! `farebox wallet`: the file of a payer's key. Invariant: the key is printed nowhere.

use super::CliResult;
use super::output::say;
use alloy_primitives::hex;
use clap::{Args, Subcommand};
use farebox_base::{Rng, SystemRng};
use farebox_x402::evm::{SigningKey, address::checksummed};
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Longer files hold no key.
const FILE_BYTES_MAX: u64 = 4_096;

#[derive(Args, Debug)]
pub(super) struct WalletArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Write a fresh private key to a file that is not there yet, for nobody else to read, and print its address.
    New { file: PathBuf },
    /// Print the address of the key in a file.
    Show { file: PathBuf },
}

pub(super) fn run(args: &WalletArgs) -> CliResult {
    let key = match &args.command {
        Command::New { file } => make(file)?,
        Command::Show { file } => read(file)?,
    };
    say(checksummed(key.address()));
    Ok(ExitCode::SUCCESS)
}

/// Reads a key: 64 hex digits, with or without `0x`.
///
/// # Errors
/// Names the file and what is wrong with it, and nothing of what it holds.
pub(super) fn read(file: &Path) -> Result<SigningKey, String> {
    let shown = file.display();
    let opened = std::fs::File::open(file).map_err(|error| format!("can't read the wallet {shown}: {error}"))?;
    let mut text = String::new();
    opened
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| format!("can't read the wallet {shown}: {error}"))?;
    SigningKey::from_hex(&text).map_err(|error| format!("the wallet {shown} holds no key: it {error}"))
}

/// Whether others than the owner may read the file.
pub(super) fn is_open_to_others(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

fn make(file: &Path) -> Result<SigningKey, String> {
    let (bytes, key) = fresh()?;
    write(file, bytes)?;
    Ok(key)
}

/// Writes a key to a file that is not there yet, for its owner alone to read.
///
/// # Errors
/// Names the file and what stands against it.
pub(crate) fn write(file: &Path, secret: [u8; 32]) -> Result<(), String> {
    let shown = file.display();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{shown} is there already; a wallet is never replaced"),
        _ => format!("can't make the wallet {shown}: {error}"),
    })?;
    let written = writeln!(made, "0x{}", hex::encode(secret)).and_then(|()| made.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(file);
        format!("can't write the wallet {shown}: {error}")
    })
}

/// A new key and its bytes.
pub(crate) fn fresh() -> Result<([u8; 32], SigningKey), String> {
    let mut bytes = [0; 32];
    SystemRng.fill(&mut bytes);
    let key = SigningKey::from_bytes(bytes).map_err(|error| format!("the random bytes are no key: it {error}"))?;
    Ok((bytes, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_wallet_is_the_owners_alone_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wallet.key");
        let made = make(&file).unwrap();
        assert_eq!(read(&file).unwrap().address(), made.address());
        assert!(!is_open_to_others(&file));
        let held = std::fs::read_to_string(&file).unwrap();
        assert!(make(&file).unwrap_err().contains("is there already"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), held);
    }

    #[test]
    fn what_is_no_wallet_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wallet.key");
        for held in ["hunter2", "", &"f".repeat(64), &"1".repeat(10_000)] {
            std::fs::write(&file, held).unwrap();
            let message = read(&file).unwrap_err();
            assert!(message.contains("holds no key") && !message.contains("hunter2"), "{message}");
        }
        assert!(read(&folder.path().join("none")).unwrap_err().contains("can't read"));
    }
}
