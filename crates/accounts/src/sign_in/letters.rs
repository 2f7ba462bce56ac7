//! The texts of the mails to people. Each says what to do when it was not asked for.

use farebox_mail::Mail;

pub(super) fn verify_sign_up(to: &str, link: &str) -> Mail {
    let text = format!(
        "Hello,\n\nsomebody signed up at Farebox with this address. If it was you, confirm it within 24 hours:\n\n\
         {link}\n\nIf it was not you, ignore this mail: without the link nobody can use the account.\n"
    );
    mail(to, "Confirm your address", text)
}

pub(super) fn verify_agent(to: &str, agent: &str, link: &str) -> Mail {
    let text = format!(
        "Hello,\n\nthe agent \"{agent}\" at Farebox has named this address as its owner's. If it is yours, confirm it \
         within 24 hours:\n\n{link}\n\nWhoever opens the link gets access to the agent's account. If you do not know \
         the agent, ignore this mail.\n"
    );
    mail(to, "Confirm the address of your agent", text)
}

pub(super) fn address_is_taken(to: &str, agent: &str) -> Mail {
    let text = format!(
        "Hello,\n\nthe agent \"{agent}\" at Farebox has named this address as its owner's. You have an account with it, \
         so nothing was changed. If the agent is yours, give it another address.\n"
    );
    mail(to, "Your address was named by an agent", text)
}

pub(super) fn address_was_replaced(to: &str, agent: &str, base: &str) -> Mail {
    let text = format!(
        "Hello,\n\nthe account of the agent \"{agent}\" at Farebox, which was yours by this address, has another address \
         from now on: somebody with a key of the agent named it and followed the link in its mail. This address no longer \
         signs in.\n\nIf that was not you, ask whoever runs {base} to stop the agent's account.\n"
    );
    mail(to, "Your agent has another address", text)
}

pub(super) fn already_there(to: &str, base: &str) -> Mail {
    let text = format!(
        "Hello,\n\nsomebody tried to sign up at Farebox with this address. You have an account already, and it was not \
         changed. If it was you and you no longer know the password, ask for a new one:\n\n{base}/forgot-password\n"
    );
    mail(to, "You have an account already", text)
}

pub(super) fn reset(to: &str, link: &str) -> Mail {
    let text = format!(
        "Hello,\n\nsomebody asked for a new password for your account at Farebox. If it was you, choose one within an \
         hour:\n\n{link}\n\nIf it was not you, ignore this mail: your password stays as it is.\n"
    );
    mail(to, "Choose a new password", text)
}

pub(super) fn password_changed(to: &str, base: &str) -> Mail {
    let text = format!(
        "Hello,\n\nthe password of your account at Farebox was changed, and other devices were signed out. If it was \
         not you, ask for a new password at once:\n\n{base}/forgot-password\n"
    );
    mail(to, "Your password was changed", text)
}

fn mail(to: &str, subject: &str, text: String) -> Mail {
    Mail { to: to.to_owned(), subject: format!("Farebox: {subject}"), text }
}
