//! Which provider a slug means: slugs are unique for one owner only.

use crate::providers::{PROVIDERS, owned_by};
use crate::{Oauth, Provider};
use farebox_base::{Error, PartyId, Result};
use farebox_db::Where;

impl Oauth {
    /// The provider that a slug means to whoever acts for `acting` and belongs to `others` too: that of the organisation
    /// that he acts for, else of another one of his, else the operator's. Never a stranger's.
    ///
    /// # Errors
    /// `Invalid` for `provider` where several of the others have the slug, so that nothing tells which one is meant.
    pub async fn provider_by_slug(&self, acting: PartyId, others: &[PartyId], slug: &str) -> Result<Option<Provider>> {
        if let Some(own) = self.slug_of(Some(acting), slug).await? {
            return Ok(Some(own));
        }
        let mut meant = None;
        for other in others.iter().filter(|other| **other != acting) {
            let Some(found) = self.slug_of(Some(*other), slug).await? else { continue };
            if meant.replace(found).is_some() {
                let rule = "must be the id of a provider: several of your organizations have one with this slug";
                return Err(Error::invalid("provider", rule));
            }
        }
        if meant.is_some() { Ok(meant) } else { self.operators_provider(slug).await }
    }

    /// The operator's provider with this slug.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn operators_provider(&self, slug: &str) -> Result<Option<Provider>> {
        self.slug_of(None, slug).await
    }

    async fn slug_of(&self, owner: Option<PartyId>, slug: &str) -> Result<Option<Provider>> {
        // The database refuses the question, which a caller may ask.
        if slug.contains('\0') {
            return Ok(None);
        }
        let owner = owner.map(|owner| owner.to_string());
        let mut wanted = Where::new(PROVIDERS);
        wanted.and("slug = $1", &[slug.into()]);
        owned_by(&mut wanted, owner.as_deref());
        Ok(self.providers(wanted).await?.pop())
    }
}
