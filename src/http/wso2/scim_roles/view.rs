//! Roles as they are shown.

use model::role::Audience;
use scim::Projection;
use serde_json::{Map, Value, json};

use super::{
    super::{
        call::{Call, uuid},
        scim::base,
    },
    audience,
    schema::SCHEMA,
};
use crate::app::roles::{Members, VisibleRole};

/// The address of a role.
pub(super) fn location<B>(call: &Call<B>, role: &VisibleRole) -> String {
    format!("{}/v2/Roles/{}", base(call), uuid(role.id))
}

/// A role in full, with who has it if that was read.
pub(super) fn role<B>(call: &Call<B>, role: &VisibleRole, members: Option<&Members>) -> Value {
    let mut fields = summary(call, role);
    let mut add = |name: &str, list: Vec<Value>| {
        if !list.is_empty() {
            fields.insert(name.to_owned(), list.into());
        }
    };
    if let Some(members) = members {
        let users = members.users.iter().map(|user| {
            let id = uuid(user.id);
            json!({ "value": id, "display": user.name, "$ref": format!("{}/Users/{id}", base(call)) })
        });
        add("users", users.collect());
        let groups = members.groups.iter().map(|group| {
            let id = uuid(group.id);
            json!({ "value": id, "display": group.name, "$ref": format!("{}/Groups/{id}", base(call)) })
        });
        add("groups", groups.collect());
    }
    add("permissions", permissions(role));
    add("associatedApplications", applications(call, role));
    Value::Object(fields)
}

/// A role in a list: what tells it from others, and what else was asked for; never who has it.
pub(super) fn list_item<B>(call: &Call<B>, role: &VisibleRole, projection: &Projection) -> Value {
    let mut fields = summary(call, role);
    if let Projection::Only(_) = projection {
        fields.insert("permissions".to_owned(), permissions(role).into());
        fields.insert("associatedApplications".to_owned(), applications(call, role).into());
    }
    Value::Object(fields)
}

fn summary<B>(call: &Call<B>, role: &VisibleRole) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("schemas".to_owned(), json!([SCHEMA]));
    fields.insert("id".to_owned(), uuid(role.id).into());
    fields.insert("displayName".to_owned(), role.name().into());
    fields.insert("audience".to_owned(), audience_object(call, role));
    fields.insert("meta".to_owned(), json!({ "resourceType": "Role", "location": location(call, role) }));
    fields
}

/// What a role is for.
pub(in crate::http::wso2) fn audience_object<B>(call: &Call<B>, role: &VisibleRole) -> Value {
    json!({
        "value": audience::id_text(call, role.audience),
        "display": role.audience_name,
        "type": role.audience.kind().as_str(),
    })
}

fn permissions(role: &VisibleRole) -> Vec<Value> {
    let each = role.role.permissions.iter();
    each.map(|permission| json!({ "value": permission, "display": permission })).collect()
}

fn applications<B>(call: &Call<B>, role: &VisibleRole) -> Vec<Value> {
    match role.audience {
        Audience::Application(_) => {
            let id = audience::id_text(call, role.audience);
            let address =
                format!("{}{}/api/server/v1/applications/{id}", call.state.links.origin(), call.prefix());
            vec![json!({ "value": id, "display": role.audience_name, "$ref": address })]
        }
        Audience::Organization(_) => Vec::new(),
    }
}
