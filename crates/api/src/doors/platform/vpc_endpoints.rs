//! Private network endpoints of an organization, each path in the several spellings that the contract has.

use super::Cx;
use crate::Core;
use crate::organization::organization;
use farebox_accounts::{VpcEndpoint, VpcEndpointCreate, VpcState};
use farebox_api_kit::{Created, Data, Json, NoContent, Ok200, Path, Query, operations};
use farebox_api_types::platform::{
    CreateOrganizationVpcEndpointRequest, ListVpcEndpointsQuery, OrganizationVpcEndpoint, VpcEndpointState,
};
use farebox_base::{PartyId, Result, VpcEndpointId};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "VPC";
    GET    "/organizations/{organization_id}/vpc-endpoints" list_org_vpc_endpoints(Needs(VpcRead)) stranger(NotFound) "List an organization's VPC endpoints";
    POST   "/organizations/{organization_id}/vpc-endpoints" create_org_vpc_endpoint(Needs(VpcWrite)) errors(409) stranger(NotFound) "Record a VPC endpoint";
    GET    "/organizations/{organization_id}/vpc-endpoints/{endpoint_id}" get_org_vpc_endpoint(Needs(VpcRead)) stranger(NotFound) "Show a VPC endpoint";
    DELETE "/organizations/{organization_id}/vpc-endpoints/{endpoint_id}" delete_org_vpc_endpoint(Needs(VpcWrite)) stranger(NotFound) "Take a VPC endpoint away";
    GET    "/organizations/{organization_id}/vpc/region/{region_id}/vpc_endpoints" list_org_vpc_endpoints_by_region(Needs(VpcRead)) stranger(NotFound) "List an organization's VPC endpoints in a region";
    GET    "/organizations/{organization_id}/vpc/region/{region_id}/vpc_endpoints/{endpoint_id}" get_org_vpc_endpoint_by_region(Needs(VpcRead)) stranger(NotFound) "Show a VPC endpoint in a region";
    DELETE "/organizations/{organization_id}/vpc/region/{region_id}/vpc_endpoints/{endpoint_id}" delete_org_vpc_endpoint_by_region(Needs(VpcWrite)) stranger(NotFound) audit("vpc_endpoint") "Take a VPC endpoint in a region away";
    GET    "/organizations/{organization_id}/vpc/vpc_endpoints" list_org_vpc_endpoints_alias(Needs(VpcRead)) stranger(NotFound) "List an organization's VPC endpoints (another spelling)";
}

type Listed = Result<Ok200<Vec<OrganizationVpcEndpoint>>>;
type Shown = Result<Ok200<Data<OrganizationVpcEndpoint>>>;

async fn list_org_vpc_endpoints(cx: Cx, path: Path<String>, query: Query<ListVpcEndpointsQuery>) -> Listed {
    listed(&cx, &path.0, query.0.region.as_deref()).await
}

async fn list_org_vpc_endpoints_by_region(cx: Cx, path: Path<(String, String)>) -> Listed {
    listed(&cx, &path.0.0, Some(&path.0.1)).await
}

async fn list_org_vpc_endpoints_alias(cx: Cx, path: Path<String>) -> Listed {
    listed(&cx, &path.0, None).await
}

async fn create_org_vpc_endpoint(
    cx: Cx,
    path: Path<String>,
    body: Json<CreateOrganizationVpcEndpointRequest>,
) -> Result<Created<Data<OrganizationVpcEndpoint>>> {
    let party = known(&cx, &path.0)?;
    let CreateOrganizationVpcEndpointRequest { region, endpoint_id, label } = body.0;
    let recorded = cx.core.vpc.record(party, &VpcEndpointCreate { region, endpoint_id, label }).await?;
    Ok(Created(Data(shown(recorded))))
}

async fn get_org_vpc_endpoint(cx: Cx, path: Path<(String, Uuid)>) -> Shown {
    let (organization, id) = path.0;
    found(&cx, &organization, id, None).await
}

async fn get_org_vpc_endpoint_by_region(cx: Cx, path: Path<(String, String, Uuid)>) -> Shown {
    let (organization, region, id) = path.0;
    found(&cx, &organization, id, Some(&region)).await
}

async fn delete_org_vpc_endpoint(cx: Cx, path: Path<(String, Uuid)>) -> Result<NoContent> {
    let (organization, id) = path.0;
    cx.core.vpc.remove(known(&cx, &organization)?, VpcEndpointId::from_uuid(id), None).await?;
    Ok(NoContent)
}

async fn delete_org_vpc_endpoint_by_region(cx: Cx, path: Path<(String, String, Uuid)>) -> Result<NoContent> {
    let (organization, region, id) = path.0;
    cx.core.vpc.remove(known(&cx, &organization)?, VpcEndpointId::from_uuid(id), Some(&region)).await?;
    Ok(NoContent)
}

async fn listed(cx: &Cx, organization: &str, region: Option<&str>) -> Listed {
    let endpoints = cx.core.vpc.list(known(cx, organization)?, region).await?;
    Ok(Ok200(endpoints.into_iter().map(shown).collect()))
}

async fn found(cx: &Cx, organization: &str, id: Uuid, region: Option<&str>) -> Shown {
    let endpoint = cx.core.vpc.get(known(cx, organization)?, VpcEndpointId::from_uuid(id), region).await?;
    Ok(Ok200(Data(shown(endpoint))))
}

fn known(cx: &Cx, text: &str) -> Result<PartyId> {
    organization(cx.caller()?, text)
}

fn shown(endpoint: VpcEndpoint) -> OrganizationVpcEndpoint {
    OrganizationVpcEndpoint {
        id: endpoint.id.uuid(),
        organization_id: endpoint.party_id.uuid(),
        region: endpoint.region,
        endpoint_id: endpoint.endpoint_id,
        label: endpoint.label,
        state: match endpoint.state {
            VpcState::Pending => VpcEndpointState::Pending,
            VpcState::Available => VpcEndpointState::Available,
        },
        created_at: endpoint.created_at.into(),
        updated_at: endpoint.updated_at.into(),
    }
}
