//! The mail that invites somebody. Pure.

use crate::Invite;
use farebox_mail::Mail;

/// `names`: of the organisation and of whoever invites, both of which strangers chose.
pub(crate) fn mail(invite: &Invite, names: (&str, &str), link: &str) -> Mail {
    let (organization, by) = names;
    let text = format!(
        "{by} invites you to the organization {organization} on Farebox, with the role {role}.\n\n\
         To accept, open this page and sign in, or sign up first, with this address ({email}):\n\n\
         {link}\n\n\
         The link works once, until {until} (UTC). If you did not expect this mail, leave it alone: nothing happens.\n",
        role = invite.role,
        email = invite.email,
        until = invite.expires_at.rfc3339(),
    );
    Mail { to: invite.email.clone(), subject: "You are invited to an organization on Farebox".to_owned(), text }
}
