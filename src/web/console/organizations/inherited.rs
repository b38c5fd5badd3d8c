//! What a template gives to an organization that is made from it, in words.

use model::{identity_pool::IdentityPool, organization::Organization};
use serde_json::Value;

use crate::{
    app::{Result, accounts::users},
    web::{
        console::kit::{context::EnvironmentContext, labels},
        kit::components::join_with_and,
    },
};

/// The name of the pool that an organization gets whose template has none.
const FIRST_POOL: &str = "Users";

/// How many pools are named.
const MAX_NAMED: usize = 3;

/// What a template gives.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web::console) struct Inherited {
    pub template: Organization,
    pub pools: Vec<IdentityPool>,
}

impl Inherited {
    /// What this template gives now.
    pub async fn of(context: &EnvironmentContext, template: Organization) -> Result<Self> {
        let pools = users::list_pools(&context.state, &context.principal, template.id).await?;
        Ok(Self { template, pools })
    }

    /// What it gives, as a list without an end.
    pub fn words(&self) -> String {
        let template = &self.template;
        let mut given = Vec::new();
        match template.authentication_mechanisms.as_deref() {
            None | Some([]) => {}
            Some(all) => {
                let labels: Vec<String> = all.iter().map(|one| one.label().to_lowercase()).collect();
                given.push(format!("sign-in by {}", join_with_and(&labels)));
            }
        }
        given.push(pools(&self.pools));
        match fields(template) {
            _ if template.metadata_schema.is_empty() => {}
            0 => given.push("a metadata schema".to_owned()),
            number => {
                given.push(format!("a metadata schema with {}", labels::count(number, "field", "fields")));
            }
        }
        if !template.attributes.is_empty() {
            given.push(labels::count(template.attributes.len(), "attribute", "attributes"));
        }
        if !template.color.is_empty() {
            given.push(format!("the colour {}", template.color));
        }
        given.join(" · ")
    }
}

fn pools(pools: &[IdentityPool]) -> String {
    let names: Vec<String> = pools.iter().take(MAX_NAMED).map(|pool| format!("“{}”", pool.name)).collect();
    match names.as_slice() {
        [] => format!("an identity pool “{FIRST_POOL}”"),
        [one] => format!("the identity pool {one}"),
        _ if pools.len() > MAX_NAMED => {
            format!("the identity pools {} and {} more", names.join(", "), pools.len() - MAX_NAMED)
        }
        names => format!("the identity pools {}", join_with_and(names)),
    }
}

/// How many members the schema of the metadata names.
fn fields(template: &Organization) -> usize {
    let schema = template.metadata_schema.to_map();
    schema.get("properties").and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

#[cfg(test)]
mod tests {
    use base::{id::Id, time::Timestamp};
    use model::{identity_pool::AuthenticationMechanism, json_object::JsonObject};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_template_gives_is_told() {
        let now = Timestamp::from_millis(0);
        let template = Organization::new(Id::from_bits(1), Id::from_bits(2), now);
        let bare = Inherited { template, pools: Vec::new() };
        assert_eq!(bare.words(), "an identity pool “Users”");
        let Value::Object(schema) = json!({ "properties": { "a": {}, "b": {} } }) else { panic!() };
        let pool = |name: &str| IdentityPool {
            name: name.to_owned(),
            ..IdentityPool::new(Id::from_bits(3), Id::from_bits(2), Id::from_bits(1), now)
        };
        let full = Inherited {
            template: Organization {
                authentication_mechanisms: Some(vec![
                    AuthenticationMechanism::Password,
                    AuthenticationMechanism::Webauthn,
                ]),
                metadata_schema: JsonObject::from_map(&schema),
                attributes: [("tier".to_owned(), "gold".to_owned())].into(),
                color: "#007fff".to_owned(),
                ..bare.template
            },
            pools: vec![pool("Staff"), pool("Guests")],
        };
        assert_eq!(
            full.words(),
            "sign-in by password and passkey · the identity pools “Staff” and “Guests” · a metadata schema with 2 \
             fields · 1 attribute · the colour #007fff"
        );
        let many = Inherited { pools: ["a", "b", "c", "d", "e"].map(pool).to_vec(), ..full };
        assert!(many.words().contains("“a”, “b”, “c” and 2 more"), "{}", many.words());
    }
}
