//! Roles as they are sent.

use std::collections::BTreeSet;

use base::id::{ApplicationId, Id, IdKind, OrganizationId};
use model::role::{Audience, AudienceType};
use scim::Error;
use serde_json::{Map, Value};

use super::{super::call::Call, audience};
use crate::app::roles::{FirstMembers, NewRole, RoleOperation, SetChange, VisibleRole};

/// How many values a list has at most.
const MAX_LISTED: usize = 5000;

/// A role as it is sent.
struct SentRole {
    name: Option<String>,
    audience: Option<(Option<String>, Option<String>)>,
    permissions: Option<BTreeSet<String>>,
    users: Option<Value>,
    groups: Option<Value>,
}

fn read(body: Value) -> Result<SentRole, Error> {
    let Value::Object(mut body) = body else {
        return Err(Error::InvalidSyntax("the body must be a JSON object".to_owned()));
    };
    let name = match take(&mut body, "displayName")? {
        None => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(Error::InvalidValue("displayName must be text".to_owned())),
    };
    let audience = match take(&mut body, "audience")? {
        None => None,
        Some(Value::Object(mut sent)) => Some((text(&mut sent, "value")?, text(&mut sent, "type")?)),
        Some(_) => return Err(Error::InvalidValue("audience must be an object".to_owned())),
    };
    let permissions = take(&mut body, "permissions")?;
    Ok(SentRole {
        name,
        audience,
        permissions: permissions.map(|sent| texts("permissions", sent)).transpose()?,
        users: take(&mut body, "users")?,
        groups: take(&mut body, "groups")?,
    })
}

/// The body of a POST.
pub(super) fn read_new<B>(call: &Call<B>, body: Value) -> Result<(NewRole, FirstMembers), Error> {
    let sent = read(body)?;
    let name = sent.name.ok_or_else(|| Error::InvalidValue("displayName is required".to_owned()))?;
    let new = NewRole {
        name,
        audience: match &sent.audience {
            Some((value, kind)) => read_audience(call, value.as_deref(), kind.as_deref())?,
            None => None,
        },
        permissions: sent.permissions.unwrap_or_default(),
    };
    let first = FirstMembers {
        users: sent.users.map(|sent| ids("users", sent)).transpose()?.unwrap_or_default(),
        groups: sent.groups.map(|sent| ids("groups", sent)).transpose()?.unwrap_or_default(),
    };
    Ok((new, first))
}

/// The audience of a new role; `None`: the organization.
fn read_audience<B>(
    call: &Call<B>,
    value: Option<&str>,
    kind: Option<&str>,
) -> Result<Option<Audience>, Error> {
    let invalid = |text: &str| Error::InvalidValue(text.to_owned());
    let kind = match kind.map(str::to_ascii_lowercase) {
        None => None,
        Some(kind) => Some(kind.parse::<AudienceType>().map_err(|_| invalid("Invalid audience type."))?),
    };
    let known =
        value.map(|text| audience::bits(call, text).ok_or_else(|| invalid("Invalid audience value.")));
    match (kind.unwrap_or(AudienceType::Organization), known.transpose()?) {
        (AudienceType::Organization, None) => Ok(None),
        (AudienceType::Organization, Some(bits)) => {
            Ok(Some(Audience::Organization(OrganizationId::from_bits(bits))))
        }
        (AudienceType::Application, None) => Err(invalid("Invalid audience value.")),
        (AudienceType::Application, Some(bits)) => {
            Ok(Some(Audience::Application(ApplicationId::from_bits(bits))))
        }
    }
}

/// The body of a PUT: what it leaves out is none. What a shared role permits is the vendor's, so there it is what is sent that
/// must be the same. Its audience never changes.
pub(super) fn read_replacement<B>(
    call: &Call<B>,
    role: &VisibleRole,
    body: Value,
) -> Result<Vec<RoleOperation>, Error> {
    let sent = read(body)?;
    if let Some((value, kind)) = &sent.audience {
        let same_kind =
            kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(role.audience.kind().as_str()));
        let same_id =
            value.as_ref().is_none_or(|text| audience::bits(call, text) == Some(role.audience.bits()));
        if !same_kind || !same_id {
            return Err(Error::Mutability("the audience of a role cannot be changed".to_owned()));
        }
    }
    let name = sent.name.ok_or_else(|| Error::InvalidValue("displayName is required".to_owned()))?;
    let mut operations = vec![RoleOperation::Rename(name)];
    match sent.permissions {
        None if role.is_shared() => {}
        permissions => {
            operations.push(RoleOperation::Permissions(SetChange::Replace(permissions.unwrap_or_default())))
        }
    }
    let users = sent.users.map(|sent| ids("users", sent)).transpose()?.unwrap_or_default();
    operations.push(RoleOperation::Users(SetChange::Replace(users)));
    let groups = sent.groups.map(|sent| ids("groups", sent)).transpose()?.unwrap_or_default();
    operations.push(RoleOperation::Groups(SetChange::Replace(groups)));
    Ok(operations)
}

/// Takes a member in whatever case; `null` is none.
pub(super) fn take(body: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, Error> {
    let named: Vec<String> = body.keys().filter(|key| key.eq_ignore_ascii_case(name)).cloned().collect();
    match named.as_slice() {
        [] => Ok(None),
        [key] => Ok(body.remove(key).filter(|value| !value.is_null())),
        _ => Err(Error::InvalidSyntax(format!("{name} is there twice"))),
    }
}

fn text(body: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match take(body, name)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::InvalidValue(format!("{name} must be text"))),
    }
}

/// The values of a list: `[{"value": …}]`, `["…"]`, or one of these alone.
pub(super) fn texts(name: &str, sent: Value) -> Result<BTreeSet<String>, Error> {
    let refused = || Error::InvalidValue(format!("{name} must be a list of objects with a value"));
    let listed = match sent {
        Value::Array(listed) => listed,
        one => vec![one],
    };
    if listed.len() > MAX_LISTED {
        return Err(Error::TooLarge(format!("{name} has more than {MAX_LISTED} values")));
    }
    let each = listed.into_iter().map(|one| match one {
        Value::String(text) => Ok(text),
        Value::Object(mut fields) => text(&mut fields, "value")?.ok_or_else(refused),
        _ => Err(refused()),
    });
    each.collect()
}

/// [`texts`], as ids.
pub(super) fn ids<K: IdKind + Ord>(name: &str, sent: Value) -> Result<BTreeSet<Id<K>>, Error> {
    texts(name, sent)?.iter().map(|text| id(name, text)).collect()
}

/// An id of a user or a group in any encoding.
pub(super) fn id<K: IdKind>(name: &str, text: &str) -> Result<Id<K>, Error> {
    let quoted = base::bounded_json::quoted(text);
    text.parse().map_err(|_| Error::InvalidValue(format!("{name}: there is no such {}: {quoted}", K::NOUN)))
}
