//! PATCH of a role.

use std::collections::BTreeSet;

use scim::{
    Error, Filter, PatchRequest, Path,
    filter::{Literal, Operator},
    operation::{Op, Operation},
};
use serde_json::Value;

use super::{body, schema::SCHEMA};
use crate::app::roles::{RoleOperation, SetChange};

/// The operations of a PATCH.
pub(super) fn read(request: Result<PatchRequest, Error>) -> Result<Vec<RoleOperation>, Error> {
    let mut all = Vec::new();
    for operation in request?.operations() {
        let Operation { op, path, value } = operation.clone();
        match (path, value) {
            (Some(path), value) => all.push(with_path(op, &path, value)?),
            (None, Some(Value::Object(mut fields))) => {
                for name in ["displayName", "permissions", "users", "groups"] {
                    if let Some(value) = body::take(&mut fields, name)? {
                        all.push(of_attribute(op, name, Some(value))?);
                    }
                }
                if let Some(unknown) = fields.keys().find(|key| !key.eq_ignore_ascii_case("schemas")) {
                    return Err(unknown_path(unknown));
                }
            }
            (None, _) => {
                return Err(Error::InvalidValue("without a path the value must be an object".to_owned()));
            }
        }
    }
    Ok(all)
}

fn unknown_path(path: &str) -> Error {
    let quoted = base::bounded_json::quoted(path);
    Error::InvalidPath(format!("{quoted} names nothing of a role that can be changed"))
}

fn with_path(op: Op, path: &Path, value: Option<Value>) -> Result<RoleOperation, Error> {
    let attribute = path.attribute();
    let is_own = attribute.schema().is_none_or(|schema| schema.eq_ignore_ascii_case(SCHEMA));
    let name = attribute.name().to_ascii_lowercase();
    if !is_own || attribute.sub().is_some() {
        return Err(unknown_path(&path.to_string()));
    }
    let Some(filter) = path.filter() else { return of_attribute(op, &name, value) };
    if op != Op::Remove {
        return Err(Error::InvalidPath(
            "a filter chooses what is removed; add and replace take none".to_owned(),
        ));
    }
    let mut chosen = BTreeSet::new();
    choose(filter, &mut chosen)?;
    removal(&name, &chosen)
}

/// The values that a filter of a path chooses: `value eq …`, of several any.
fn choose(filter: &Filter, chosen: &mut BTreeSet<String>) -> Result<(), Error> {
    match filter {
        Filter::Or(parts) => parts.iter().try_for_each(|part| choose(part, chosen)),
        Filter::Compare { path, operator: Operator::Eq, value }
            if path.name().eq_ignore_ascii_case("value") && path.sub().is_none() =>
        {
            chosen.insert(match value {
                Literal::Text(text) => text.clone(),
                other => other.to_string(),
            });
            Ok(())
        }
        _ => Err(Error::InvalidFilter("the filter of a path must be: value eq <id>".to_owned())),
    }
}

fn removal(name: &str, chosen: &BTreeSet<String>) -> Result<RoleOperation, Error> {
    match name {
        "users" => {
            let ids: Result<_, Error> = chosen.iter().map(|text| body::id("users", text)).collect();
            Ok(RoleOperation::Users(SetChange::Remove(ids?)))
        }
        "groups" => {
            let ids: Result<_, Error> = chosen.iter().map(|text| body::id("groups", text)).collect();
            Ok(RoleOperation::Groups(SetChange::Remove(ids?)))
        }
        "permissions" => Ok(RoleOperation::Permissions(SetChange::Remove(chosen.clone()))),
        _ => Err(unknown_path(name)),
    }
}

/// A change of a whole attribute, whose name is in whatever case. To remove it without a value empties it.
fn of_attribute(op: Op, name: &str, value: Option<Value>) -> Result<RoleOperation, Error> {
    match (name.to_ascii_lowercase().as_str(), value) {
        ("displayname", Some(Value::String(name))) if op != Op::Remove => Ok(RoleOperation::Rename(name)),
        ("displayname", _) if op == Op::Remove => {
            Err(Error::Mutability("a role must have a name".to_owned()))
        }
        ("displayname", _) => Err(Error::InvalidValue("displayName must be text".to_owned())),
        ("permissions", value) => {
            let values = value.map(|value| body::texts("permissions", value)).transpose()?;
            Ok(RoleOperation::Permissions(set_change(op, values)))
        }
        ("users", value) => {
            let ids = value.map(|value| body::ids("users", value)).transpose()?;
            Ok(RoleOperation::Users(set_change(op, ids)))
        }
        ("groups", value) => {
            let ids = value.map(|value| body::ids("groups", value)).transpose()?;
            Ok(RoleOperation::Groups(set_change(op, ids)))
        }
        _ => Err(unknown_path(name)),
    }
}

fn set_change<T: Ord>(op: Op, values: Option<BTreeSet<T>>) -> SetChange<T> {
    match (op, values) {
        (Op::Add, values) => SetChange::Add(values.unwrap_or_default()),
        (Op::Remove, Some(values)) if !values.is_empty() => SetChange::Remove(values),
        (Op::Remove, _) => SetChange::Replace(BTreeSet::new()),
        (Op::Replace, values) => SetChange::Replace(values.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use base::id::UserId;
    use scim::Quoting;
    use serde_json::json;

    use super::*;

    fn patched(operation: Value) -> Result<Vec<RoleOperation>, Error> {
        read(PatchRequest::parse_with(json!({ "Operations": [operation] }), Quoting::Optional))
    }

    #[test]
    fn who_has_a_role_is_changed_in_every_form() {
        let id = "7c430544-4754-4d26-9b45-796da08013d7";
        let one = || BTreeSet::from([id.parse::<UserId>().unwrap()]);
        for (operation, change) in [
            (json!({"op": "add", "path": "users", "value": [{"value": id}]}), SetChange::Add(one())),
            (json!({"op": "Add", "path": "users", "value": {"value": id}}), SetChange::Add(one())),
            (json!({"op": "ADD", "path": "USERS", "value": [id]}), SetChange::Add(one())),
            (
                json!({"op": "add", "value": {"users": [{"value": id, "display": "x"}]}}),
                SetChange::Add(one()),
            ),
            (json!({"op": "replace", "path": "users", "value": [{"value": id}]}), SetChange::Replace(one())),
            (json!({"op": "replace", "path": "users", "value": []}), SetChange::Replace(BTreeSet::new())),
            (json!({"op": "remove", "path": format!("users[value eq {id}]")}), SetChange::Remove(one())),
            (json!({"op": "remove", "path": format!("users[value eq \"{id}\"]")}), SetChange::Remove(one())),
            (json!({"op": "remove", "path": "users", "value": [{"value": id}]}), SetChange::Remove(one())),
            (json!({"op": "remove", "path": "users"}), SetChange::Replace(BTreeSet::new())),
            (
                json!({"op": "add", "path": format!("{SCHEMA}:users"), "value": [{"value": id}]}),
                SetChange::Add(one()),
            ),
        ] {
            assert_eq!(patched(operation.clone()), Ok(vec![RoleOperation::Users(change)]), "{operation}");
        }
        let both = json!({"op": "add", "value": {"users": [], "displayName": "New"}});
        assert_eq!(
            patched(both).unwrap(),
            [RoleOperation::Rename("New".to_owned()), RoleOperation::Users(SetChange::Add(BTreeSet::new())),]
        );
        let permission = json!({"op": "remove", "path": "permissions[value eq internal_login]"});
        let gone = SetChange::Remove(BTreeSet::from(["internal_login".to_owned()]));
        assert_eq!(patched(permission).unwrap(), [RoleOperation::Permissions(gone)]);
    }

    #[test]
    fn what_a_role_does_not_have_is_refused() {
        for (operation, kind) in [
            (json!({"op": "add", "path": "members", "value": []}), "invalidPath"),
            (json!({"op": "add", "path": "audience", "value": {"value": "x"}}), "invalidPath"),
            (json!({"op": "add", "path": "users.value", "value": "x"}), "invalidPath"),
            (json!({"op": "add", "path": "users[value eq x]", "value": "x"}), "invalidPath"),
            (json!({"op": "remove", "path": "users[display eq x]"}), "invalidFilter"),
            (json!({"op": "add", "path": "users", "value": [{"value": "bob"}]}), "invalidValue"),
            (json!({"op": "add", "path": "users", "value": [1]}), "invalidValue"),
            (json!({"op": "add", "value": {"nickName": "x"}}), "invalidPath"),
            (json!({"op": "add", "value": "x"}), "invalidValue"),
            (json!({"op": "remove", "path": "displayName"}), "mutability"),
            (json!({"op": "remove"}), "noTarget"),
            (json!({"op": "grow", "path": "users"}), "invalidSyntax"),
        ] {
            let error = patched(operation.clone()).unwrap_err();
            assert_eq!(error.scim_type(), Some(kind), "{operation}: {error}");
        }
    }
}
