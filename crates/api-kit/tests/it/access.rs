//! Nobody passes whom the table does not let pass.

use crate::demo::{Demo, FOREIGN, operations, request};
use farebox_api_kit::{DoorId, empty, full, probes};
use farebox_base::{Access, Permission};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn every_operation_that_needs_a_permission_refuses_a_stranger() {
    let demo = Demo::new();
    let mut tried = 0;
    for probe in probes(&operations()) {
        let answer = demo.stranger(probe.method.as_str(), &probe.path).await;
        if let Access::Needs(_) = probe.access {
            tried += 1;
            assert_eq!(answer.status, 401, "{probe:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{probe:?}");
        } else {
            assert_ne!(answer.status, 401, "{probe:?}");
        }
    }
    assert!(tried > 20);
    assert_eq!(demo.app.served.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn every_operation_refuses_a_caller_without_its_permission() {
    let demo = Demo::new();
    for probe in probes(&operations()) {
        let request = request(probe.method.as_str(), &probe.path).header("authorization", "Bearer reader");
        let answer = demo.send(request.header("x-api-key", "reader").body(empty()).unwrap()).await;
        match probe.access {
            Access::Needs(permission) if !permission.text().ends_with(".read") => {
                assert_eq!(answer.status, 403, "{probe:?}");
            }
            _ => assert_ne!(answer.status, 403, "{probe:?}"),
        }
    }
}

#[tokio::test]
async fn who_does_not_belong_to_the_organisation_of_the_path_is_refused_as_its_row_says() {
    let demo = Demo::new();
    let thing = "00000000-0000-7000-8000-000000000000";
    for (method, who, organization, status) in [
        ("GET", "boss", FOREIGN, 403),
        ("GET", "reader", FOREIGN, 403),
        ("GET", "boss", "%66fffffff-ffff-4fff-8fff-ffffffffffff", 403),
        ("PATCH", "boss", FOREIGN, 404),
        ("PATCH", "reader", FOREIGN, 404),
        ("PATCH", "reader", thing, 403),
    ] {
        let request = request(method, &format!("/things/{organization}/{thing}"));
        let request = request.header("authorization", format!("Bearer {who}"));
        let answer = demo.send(request.body(full("{}")).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {who} {organization}: {:?}", answer.json());
    }
    assert_eq!(demo.app.served.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn invalid_credentials_are_refused_where_they_are_read_and_ignored_where_they_are_not() {
    let demo = Demo::new();
    let send = async |path: &str| {
        demo.send(request("GET", path).header("authorization", "Bearer forged").body(empty()).unwrap()).await.status
    };
    assert_eq!(send("/me").await, 401);
    assert_eq!(send("/things").await, 401);
    assert_eq!(send("/number/3").await, 200);
}

#[tokio::test]
async fn optional_operations_see_the_caller_when_there_is_one() {
    let demo = Demo::new();
    assert_eq!(demo.call("GET", "/me", "").await.json()["name"], "boss");
    assert!(demo.stranger("GET", "/me").await.json()["name"].is_null());
    assert_eq!(demo.stranger("GET", "/me").await.json()["peer"], "127.0.0.1");
}

#[tokio::test]
async fn the_marketplace_says_which_role_is_missing() {
    let demo = Demo::new();
    let reader = async |method: &str, path: &str| {
        let request = request(method, path).header("authorization", "Bearer reader");
        demo.send(request.body(full("{}")).unwrap()).await.json()["detail"].clone()
    };
    assert_eq!(reader("POST", "/api/v1/services").await, "Provider access required");
    assert_eq!(reader("GET", "/api/v1/admin/stats").await, "Admin access required");
}

/// Guessing keys and paths counts against the limits like everything else.
#[tokio::test]
async fn refused_and_unknown_requests_are_admitted_too() {
    let demo = Demo::new();
    for (method, path) in [("POST", "/things"), ("GET", "/nowhere"), ("POST", "/me")] {
        let before = demo.app.admitted.load(Ordering::Relaxed);
        let answer = demo.send(request(method, path).header("x-flood", "1").body(empty()).unwrap()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "900"), "{method} {path}");
        assert_eq!(answer.header("x-ratelimit-limit"), "100", "{method} {path}");
        assert_eq!(demo.app.admitted.load(Ordering::Relaxed), before + 1, "{method} {path}");
    }
}

#[test]
fn probes_name_every_row_with_its_access_and_a_path_that_fits() {
    let probes = probes(&operations());
    let number = probes.iter().find(|probe| probe.id == "number").unwrap();
    assert_eq!((number.path.as_str(), number.door), ("/number/1", DoorId::Platform));
    let create = probes.iter().find(|probe| probe.id == "thing_create").unwrap();
    assert_eq!(create.access, Access::Needs(Permission::ListingsWrite));
    assert_eq!(probes.iter().filter(|probe| probe.id == "echo_call").count(), 5);
    assert!(probes.iter().all(|probe| !probe.path.contains(['{', '}', '*'])));
}
