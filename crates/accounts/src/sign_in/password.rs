//! Passwords: what they must be like, and their hashes.
//!
//! argon2id with 19 MiB and two passes, as OWASP advises, and with a secret that is not in the database. A few run at
//! a time, each on a thread that may block; the others wait, and where too many do, the request is refused, so that a
//! flood of sign-ins takes neither memory nor the threads of paid calls.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use farebox_base::{Error, Result, Rng};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// 76 MiB together.
const AT_ONCE: usize = 4;
const WAITING_MAX: usize = 64;
const CHARS_LEAST: usize = 12;
const CHARS_MOST: usize = 128;
const SALT_BYTES: usize = 16;

/// Looks like the hash of a password and is none; what is compared with it costs as much as with a true one.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZmFyZWJveCBubyBzYWx0$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Hashes and checks passwords; a clone shares the gate.
#[derive(Clone)]
pub(crate) struct Passwords {
    secret: [u8; 32],
    gate: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// One that waits or works; counted until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// # Errors
/// `Invalid` for `field`.
pub(crate) fn check(field: &str, password: &str) -> Result<()> {
    let chars = password.chars().count();
    if !(CHARS_LEAST..=CHARS_MOST).contains(&chars) {
        return Err(Error::invalid(field, format!("must have from {CHARS_LEAST} to {CHARS_MOST} characters")));
    }
    let first = password.chars().next();
    if password.chars().all(|c| Some(c) == first) {
        return Err(Error::invalid(field, "must not be one character repeated"));
    }
    Ok(())
}

impl Passwords {
    pub(crate) fn new(pepper: &[u8; 32]) -> Self {
        Self {
            secret: blake3::derive_key("farebox 2026 passwords of people", pepper),
            gate: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::default(),
        }
    }

    /// The hash in PHC form.
    ///
    /// # Errors
    /// `Unavailable` where too many wait.
    pub(crate) async fn hash(&self, password: &str, rng: &dyn Rng) -> Result<String> {
        let mut salt = [0; SALT_BYTES];
        rng.fill(&mut salt);
        let (password, secret) = (password.to_owned(), self.secret);
        self.run(move || {
            let hash = hasher(&secret)?.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|e| Error::internal(format!("a password can't be hashed: {e}")))
        })
        .await
    }

    /// Whether it is the password behind the hash. Without a hash it is not, after the same work.
    ///
    /// # Errors
    /// `Unavailable` where too many wait.
    pub(crate) async fn is(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let (password, secret) = (password.to_owned(), self.secret);
        let hash = hash.unwrap_or_else(|| DECOY.to_owned());
        let same =
            self.run(move || Ok(hasher(&secret)?.verify_password(password.as_bytes(), hash.as_str()).is_ok())).await?;
        Ok(known && same)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let place = Place(self.waiting.clone());
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING_MAX {
            return Err(Error::unavailable("Too many people sign in at this moment; try again").with_retry_after(2));
        }
        let slot = self.gate.clone().acquire_owned().await;
        let slot = slot.map_err(|_| Error::unavailable("The server is shutting down; try again"))?;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(slot);
            outcome
        });
        let outcome = done.await.map_err(|e| Error::internal(format!("hashing of a password ended: {e}")))?;
        drop(place);
        outcome
    }
}

fn hasher(secret: &[u8; 32]) -> Result<Argon2<'_>> {
    let wrong = |e| Error::internal(format!("argon2: {e}"));
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(wrong)?;
    Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::SeededRng;

    #[tokio::test]
    async fn only_the_same_password_with_the_same_secret_fits_and_hashes_differ() {
        let (one, other) = (Passwords::new(&[1; 32]), Passwords::new(&[2; 32]));
        let rng = SeededRng::new(1);
        let hash = one.hash("correct horse battery", &rng).await.unwrap();
        assert_ne!(hash, one.hash("correct horse battery", &rng).await.unwrap());
        assert!(one.is("correct horse battery", Some(hash.clone())).await.unwrap());
        assert!(!one.is("correct horse batterY", Some(hash.clone())).await.unwrap());
        assert!(!other.is("correct horse battery", Some(hash)).await.unwrap());
        assert!(!one.is("correct horse battery", None).await.unwrap());
        assert!(!one.is("correct horse battery", Some("no hash".to_owned())).await.unwrap());
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_true_hash_costs() {
        let hash = Passwords::new(&[1; 32]).hash("correct horse battery", &SeededRng::new(1)).await.unwrap();
        let parts = |text: &str| text.split('$').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parts(&hash)[..4], parts(DECOY)[..4]);
        assert_eq!(parts(&hash)[5].len(), parts(DECOY)[5].len());
        assert!(argon2::password_hash::phc::PasswordHash::new(DECOY).is_ok());
    }

    #[tokio::test]
    async fn a_flood_is_refused_and_does_not_wait_without_end() {
        let passwords = Passwords::new(&[1; 32]);
        let held = passwords.gate.clone().acquire_many_owned(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        let waiting: Vec<_> = (0..WAITING_MAX)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.run(|| Ok(())).await })
            })
            .collect();
        while passwords.waiting.load(Ordering::Acquire) < WAITING_MAX {
            tokio::task::yield_now().await;
        }
        let error = passwords.run(|| Ok(())).await.unwrap_err();
        assert_eq!(error.kind, farebox_base::Kind::Unavailable);
        drop(held);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert!(passwords.run(|| Ok(())).await.is_ok());
        assert_eq!(passwords.waiting.load(Ordering::Acquire), 0);
    }

    #[test]
    fn passwords_have_twelve_to_128_characters_of_any_kind() {
        assert!(check("password", "correct horse").is_ok() && check("password", "пароль из слов").is_ok());
        for bad in ["", "elevenchars", &"x".repeat(64), &"xy".repeat(65)] {
            assert_eq!(check("new_password", bad).unwrap_err().field.as_deref(), Some("new_password"), "{bad}");
        }
    }
}
