//! Through which door a listing is changed: its words name the fields in errors, and some of its rules apply.

/// One of the three published interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    Platform,
    Marketplace,
    SqlGateway,
}

impl Door {
    /// As the table `call` stores it.
    pub const fn text(self) -> &'static str {
        match self {
            Door::Platform => "platform",
            Door::Marketplace => "marketplace",
            Door::SqlGateway => "sql-gateway",
        }
    }

    /// The door's word for what the platform calls `field`.
    pub(crate) fn field(self, field: &'static str) -> &'static str {
        match (self, field) {
            (Door::Marketplace, "api_url") => "endpoint",
            (Door::SqlGateway, "connection_string") => "connectionString",
            (Door::SqlGateway, "base_price_per_1000_rows") => "basePricePer1000Rows",
            (Door::SqlGateway, "markup_multiplier") => "markupMultiplier",
            _ => field,
        }
    }
}
