//! Refresh tokens that are nearly the right ones.

use crate::process;
use crate::sign_in::{ADA, PASSWORD, from};
use farebox_base::Result;
use farebox_testkit::engines::each;

fn code<T>(result: Result<T>) -> &'static str {
    result.err().unwrap().code
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_before_the_last_is_spared_for_a_moment_and_an_older_one_ends_its_session_at_once() {
    each(async |db| {
        let one = process(&db);
        let refresh = async |token: &str| one.accounts.session_refresh(token, &from(1)).await;
        let first = one.signed_up(ADA).await.tokens;
        let second = refresh(&first.refresh).await.unwrap();
        assert_eq!(code(refresh(&first.refresh).await), "refresh_token_superseded");
        let third = refresh(&second.refresh).await.unwrap();
        assert_eq!(code(refresh(&first.refresh).await), "refresh_token_reused");
        assert_eq!(code(refresh(&third.refresh).await), "invalid_refresh_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_right_session_and_number_that_the_database_does_not_know_is_refused() {
    each(async |db| {
        let one = process(&db);
        let lost = one.signed_up(ADA).await.tokens;
        // As after a database that was put back to a moment before: the same number was given out again.
        let other = "UPDATE user_session SET refresh_hash = $1";
        farebox_db::tx!(&db, tx => { Ok(tx.execute(other, &[(&[7_u8; 32]).into()]).await?) }).unwrap();
        assert_eq!(code(one.accounts.session_refresh(&lost.refresh, &from(1)).await), "invalid_refresh_token");
        let ahead = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap().tokens;
        let ahead = one.accounts.session_refresh(&ahead.refresh, &from(1)).await.unwrap();
        let back = "UPDATE user_session SET generation = 1";
        farebox_db::tx!(&db, tx => { Ok(tx.execute(back, &[]).await?) }).unwrap();
        assert_eq!(code(one.accounts.session_refresh(&ahead.refresh, &from(1)).await), "invalid_refresh_token");
    })
    .await;
}
