//! Records of private network endpoints, and which requests they let in.

use crate::{Process, process};
use farebox_accounts::{AgentRegistration, VPC_ENDPOINTS_MAX, VpcEndpointCreate, VpcEndpoints, VpcState};
use farebox_base::{Kind, PartyId, SystemRng, VpcEndpointId};
use farebox_db::Db;
use farebox_testkit::engines;
use std::sync::Arc;
use std::time::Duration;

const US: &str = "aws-us-east-1";
const EU: &str = "aws-eu-west-1";
const ENDPOINT: &str = "vpce-0123456789abcdef0";

fn endpoints(db: &Db, process: &Process) -> VpcEndpoints {
    VpcEndpoints::new(db.clone(), process.changes.clone(), process.clock.clone(), Arc::new(SystemRng))
}

async fn party(process: &Process) -> PartyId {
    process.accounts.register_agent(&AgentRegistration::default()).await.unwrap().party.id
}

fn create(region: &str, endpoint_id: &str) -> VpcEndpointCreate {
    VpcEndpointCreate { region: region.to_owned(), endpoint_id: endpoint_id.to_owned(), label: None }
}

#[tokio::test]
async fn an_endpoint_is_recorded_once_and_found_in_its_region_only() {
    engines::each(async |db| {
        let process = process(&db);
        let (vpc, own) = (endpoints(&db, &process), party(&process).await);
        let labelled = VpcEndpointCreate { label: Some(" office ".to_owned()), ..create(US, ENDPOINT) };
        let first = vpc.record(own, &labelled).await.unwrap();
        assert_eq!((first.state, first.label.as_deref()), (VpcState::Pending, Some("office")));
        process.clock.advance(Duration::from_secs(1));
        let second = vpc.record(own, &create(EU, "vpce-1a2b3c4d")).await.unwrap();
        let again = vpc.record(own, &create(EU, ENDPOINT)).await.unwrap_err();
        assert_eq!((again.kind, again.code), (Kind::Conflict, "vpc_endpoint_exists"));

        assert_eq!(vpc.list(own, Some(EU)).await.unwrap(), std::slice::from_ref(&second));
        assert_eq!(vpc.list(own, None).await.unwrap(), [first.clone(), second]);
        for nowhere in ["aws-nowhere-1", "NOWHERE", "\0", ""] {
            assert_eq!(vpc.list(own, Some(nowhere)).await.unwrap(), [], "{nowhere:?}");
        }
        assert_eq!(vpc.get(own, first.id, None).await.unwrap(), first);
        assert_eq!(vpc.get(own, first.id, Some(US)).await.unwrap(), first);
        assert_eq!(vpc.get(own, first.id, Some(EU)).await.unwrap_err().kind, Kind::NotFound);

        assert_eq!(vpc.remove(own, first.id, Some(EU)).await.unwrap_err().kind, Kind::NotFound);
        vpc.remove(own, first.id, Some(US)).await.unwrap();
        assert_eq!(vpc.remove(own, first.id, None).await.unwrap_err().kind, Kind::NotFound);
        assert_ne!(vpc.record(own, &create(US, ENDPOINT)).await.unwrap().id, first.id, "recorded anew");
    })
    .await;
}

#[tokio::test]
async fn organisations_do_not_meet_in_their_records() {
    engines::each(async |db| {
        let process = process(&db);
        let vpc = endpoints(&db, &process);
        let (own, other) = (party(&process).await, party(&process).await);
        let mine = vpc.record(own, &create(US, ENDPOINT)).await.unwrap();
        assert_eq!(vpc.list(other, None).await.unwrap(), []);
        assert_eq!(vpc.get(other, mine.id, None).await.unwrap_err().kind, Kind::NotFound);
        assert_eq!(vpc.remove(other, mine.id, None).await.unwrap_err().kind, Kind::NotFound);
        vpc.record(other, &create(US, ENDPOINT)).await.unwrap();
        vpc.remove(own, mine.id, None).await.unwrap();
        assert_eq!(vpc.list(other, None).await.unwrap().len(), 1);
        let unknown = VpcEndpointId::from_uuid(mine.id.uuid());
        assert_eq!(vpc.get(own, unknown, None).await.unwrap_err().kind, Kind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_request_comes_in_through_what_its_organisation_has_recorded_and_nothing_else() {
    engines::each(async |db| {
        let (process, elsewhere) = (process(&db), process(&db));
        let (here, there) = (endpoints(&db, &process), endpoints(&db, &elsewhere));
        let (own, other) = (party(&process).await, party(&process).await);
        let refused = here.admit(own, ENDPOINT).await.unwrap_err();
        assert_eq!((refused.kind, refused.code), (Kind::Forbidden, "vpc_endpoint_not_recorded"));

        let recorded = here.record(own, &create(US, ENDPOINT)).await.unwrap();
        here.admit(own, ENDPOINT).await.unwrap();
        assert_eq!(here.get(own, recorded.id, None).await.unwrap().state, VpcState::Available);
        here.admit(own, ENDPOINT).await.unwrap();
        assert!(here.admit(other, ENDPOINT).await.is_err(), "another organisation's request");
        let theirs = here.record(other, &create(US, ENDPOINT)).await.unwrap();
        here.admit(own, ENDPOINT).await.unwrap();
        assert_eq!(here.get(other, theirs.id, None).await.unwrap().state, VpcState::Pending, "nobody came to them");
        here.admit(other, ENDPOINT).await.unwrap();
        let anew = here.record(own, &create(US, "vpce-1a2b3c4d")).await.unwrap();
        here.record(other, &create(US, "vpce-1a2b3c4d")).await.unwrap();
        here.admit(other, "vpce-1a2b3c4d").await.unwrap();
        assert_eq!(here.get(own, anew.id, None).await.unwrap().state, VpcState::Pending, "only others came");
        for bad in ["", "vpce-", "\0", "vpce-0123456789ABCDEF0", &"1".repeat(10_000)] {
            assert_eq!(here.admit(own, bad).await.unwrap_err().kind, Kind::Forbidden, "{bad:?}");
        }

        elsewhere.changes.refresh().await.unwrap();
        there.admit(own, ENDPOINT).await.unwrap();
        here.remove(own, recorded.id, None).await.unwrap();
        assert!(here.admit(own, ENDPOINT).await.is_err(), "at once where it was taken away");
        elsewhere.changes.refresh().await.unwrap();
        assert!(there.admit(own, ENDPOINT).await.is_err(), "elsewhere with the next refresh");
    })
    .await;
}

#[tokio::test]
async fn an_organisations_list_has_an_end() {
    engines::each(async |db| {
        let process = process(&db);
        let (vpc, own) = (endpoints(&db, &process), party(&process).await);
        for number in 0..VPC_ENDPOINTS_MAX {
            vpc.record(own, &create(US, &format!("vpce-{number:08x}"))).await.unwrap();
        }
        let full = vpc.record(own, &create(US, ENDPOINT)).await.unwrap_err();
        assert_eq!((full.kind, full.code), (Kind::Conflict, "vpc_endpoints_full"));
        vpc.record(party(&process).await, &create(US, ENDPOINT)).await.unwrap();
    })
    .await;
}
