//! Parents and children (1.4, 1.5).

use futures_util::future::join_all;

use super::*;
use crate::both;

/// The ids of the organizations above one, from below, by asking each for its parent.
async fn above(caller: &Caller<'_>, id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = id.to_owned();
    loop {
        let parent = caller.get(&at).await["parent_id"].as_str().unwrap().to_owned();
        if parent.is_empty() {
            return found;
        }
        assert!(!found.contains(&parent) && found.len() < 50, "a cycle: {found:?} {parent}");
        found.push(parent.clone());
        at = parent;
    }
}

/// Asserts that the stored closure is what the parents say.
async fn assert_closure(app: &TestApp, environment: &Environment) {
    let mut conn = app.state.db.read().await.unwrap();
    let rows: Vec<(String, String)> = conn
        .sql("SELECT id, parent_id FROM organizations WHERE environment_id = $1 AND kind = 'organization' AND deleted_at IS NULL")
        .bind(environment.id)
        .all()
        .await
        .unwrap();
    let parents: std::collections::BTreeMap<String, String> = rows.into_iter().collect();
    let mut expected = Vec::new();
    for id in parents.keys() {
        let (mut at, mut depth) = (id.clone(), 0i64);
        loop {
            expected.push((at.clone(), id.clone(), depth));
            match parents.get(&at) {
                Some(parent) => at = parent.clone(),
                None => break,
            }
            depth += 1;
        }
    }
    let mut stored: Vec<(String, String, i64)> = conn
        .sql(
            "SELECT c.ancestor_id, c.descendant_id, c.depth FROM organization_closure c JOIN organizations o \
             ON o.id = c.descendant_id AND o.deleted_at IS NULL AND o.kind = 'organization' WHERE c.environment_id = $1",
        )
        .bind(environment.id)
        .all()
        .await
        .unwrap();
    expected.sort_unstable();
    stored.sort_unstable();
    assert_eq!(stored, expected);
}

both! {
    async fn an_organization_moves_with_all_below_it_and_never_below_itself(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        for (id, parent) in [("a", ""), ("b", "a"), ("c", "b"), ("d", "c"), ("x", "")] {
            caller.create(json!({ "id": id, "name": id, "parent_id": parent })).await;
        }
        assert_eq!(above(&caller, "d").await, ["c", "b", "a"]);
        assert_closure(&app, &environment).await;
        for parent in ["a", "b", "c", "d"] {
            let answer = caller.put("a", json!({ "name": "a", "parent_id": parent })).await;
            assert_eq!(error(&answer), (422, "parent_cycle".into()), "{parent}");
        }
        for (parent, code) in [("nobody", "parent_not_found"), ("00000000000000000000000000000001", "parent_not_found"), ("a b", "parent_not_found")] {
            assert_eq!(error(&caller.put("a", json!({ "name": "a", "parent_id": parent })).await), (404, code.into()), "{parent}");
            assert_eq!(caller.refused(json!({ "name": "y", "parent_id": parent })).await, (404, code.into()), "{parent}");
        }
        let moved = caller.put("b", json!({ "name": "b", "parent_id": "x" })).await.json();
        assert_eq!((&moved["parent_id"], &moved["number_of_child_organizations"]), (&json!("x"), &json!(1)));
        assert_eq!(above(&caller, "d").await, ["c", "b", "x"]);
        assert_eq!((&caller.get("a").await["number_of_child_organizations"], &caller.get("x").await["number_of_child_organizations"]), (&json!(0), &json!(1)));
        assert_closure(&app, &environment).await;
        // Absent is the root.
        caller.put("b", json!({ "name": "b" })).await;
        assert_eq!(above(&caller, "d").await, ["c", "b"]);
        // So is its own id, in whatever form.
        let root = format!("{:032x}", environment.root_organization_id().bits());
        let made = caller.create(json!({ "id": "y", "name": "y", "parent_id": root })).await;
        assert_eq!(made["parent_id"], "");
        assert_closure(&app, &environment).await;
    }

    async fn an_organization_with_children_is_not_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let (caller, key) = (Caller::new(&app, &environment).await, app.api_key(&environment, true).await);
        caller.create(json!({ "id": "a", "name": "a" })).await;
        caller.create(json!({ "id": "b", "name": "b", "parent_id": "a" })).await;
        assert_eq!(error(&caller.send(Method::DELETE, "/a", None).await), (400, "organization_has_children".into()));
        let other = app.api(&key, Method::DELETE, "/v1/organizations/a", None).await;
        assert_eq!(other.status, 400, "{}", other.body);
        assert_eq!(caller.names("?sort=name").await, ["a", "b"]);
        assert_eq!(caller.send(Method::DELETE, "/b", None).await.status, 204);
        assert_eq!(caller.send(Method::DELETE, "/a", None).await.status, 204);
        // One that is gone is nobody's parent.
        assert_eq!(caller.refused(json!({ "name": "c", "parent_id": "a" })).await, (404, "parent_not_found".into()));
    }

    async fn what_is_switched_off_has_nothing_below_it_that_is_in_use(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        caller.create(json!({ "id": "a", "name": "a" })).await;
        caller.create(json!({ "id": "b", "name": "b", "parent_id": "a" })).await;
        let off = |parent: &str, name: &str, deactivated: bool| json!({ "name": name, "parent_id": parent, "deactivated": deactivated });
        let refused = (422, "validation_failed".to_owned());
        assert_eq!(error(&caller.put("a", off("", "a", true)).await), refused);
        assert_eq!(caller.put("b", off("a", "b", true)).await.status, 200);
        assert_eq!(caller.put("a", off("", "a", true)).await.status, 200);
        assert_eq!(error(&caller.put("b", off("a", "b", false)).await), refused, "the parent first");
        assert_eq!(caller.refused(json!({ "name": "c", "parent_id": "a" })).await, refused);
        assert_eq!(caller.put("b", off("", "b", false)).await.status, 200, "out of it");
        assert_eq!(error(&caller.put("b", off("a", "b", false)).await), refused, "and not back in");
        // Its issuer is gone while it is switched off.
        let discovery = app.url("/prod/a/.well-known/openid-configuration");
        assert_eq!(app.browser().get(&discovery).await.status, 404);
        assert_eq!(caller.put("a", off("", "a", false)).await.status, 200);
        assert_eq!(app.browser().get(&discovery).await.status, 200);
    }

    async fn two_moves_at_once_make_no_cycle(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        for id in ["a", "b", "c"] {
            caller.create(json!({ "id": id, "name": id })).await;
        }
        for _ in 0..4 {
            let moves = [("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("c", "b"), ("a", "c")];
            let answers = join_all(moves.map(|(id, parent)| caller.put(id, json!({ "name": id, "parent_id": parent })))).await;
            for answer in answers {
                match answer.status.as_u16() {
                    200 => {}
                    _ => assert_eq!(error(&answer), (422, "parent_cycle".into())),
                }
            }
            for id in ["a", "b", "c"] {
                above(&caller, id).await;
            }
            assert_closure(&app, &environment).await;
        }
    }

    async fn a_child_that_comes_while_its_parent_goes_or_moves_is_never_lost(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        caller.create(json!({ "id": "top", "name": "top" })).await;
        for round in 0..4 {
            let (mover, goer) = (format!("mover-{round}"), format!("goer-{round}"));
            for id in [&mover, &goer] {
                caller.create(json!({ "id": id, "name": id })).await;
            }
            let children = (0..6).map(|number| {
                let parent = if number % 2 == 0 { &mover } else { &goer };
                caller.send(Method::POST, "", Some(json!({ "name": format!("child {round} {number}"), "parent_id": parent })))
            });
            let goer_path = format!("/{goer}");
            let (made, moved, gone) = tokio::join!(
                join_all(children),
                caller.put(&mover, json!({ "name": mover, "parent_id": "top" })),
                caller.send(Method::DELETE, &goer_path, None),
            );
            assert_eq!(moved.status, 200, "{}", moved.body);
            let below_goer = made.iter().skip(1).step_by(2).filter(|answer| answer.status == 201).count();
            match gone.status.as_u16() {
                204 => assert_eq!(below_goer, 0, "children of an organization that is gone"),
                _ => assert_eq!(error(&gone), (400, "organization_has_children".into())),
            }
            for refused in made.iter().filter(|answer| answer.status != 201) {
                assert_eq!(error(refused), (404, "parent_not_found".into()));
            }
            assert_closure(&app, &environment).await;
        }
    }

    async fn a_tree_has_a_bounded_depth(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let mut parent = String::new();
        for level in 0..32 {
            let id = format!("level-{level}");
            caller.create(json!({ "id": id, "name": id, "parent_id": parent })).await;
            parent = id;
        }
        assert_eq!(caller.refused(json!({ "name": "too deep", "parent_id": parent })).await, (422, "validation_failed".into()));
        // Nor by a move of a subtree.
        caller.create(json!({ "id": "other", "name": "other" })).await;
        caller.create(json!({ "name": "below other", "parent_id": "other" })).await;
        let moved = caller.put("other", json!({ "name": "other", "parent_id": "level-30" })).await;
        assert_eq!(error(&moved), (422, "validation_failed".into()));
        assert_eq!(caller.put("other", json!({ "name": "other", "parent_id": "level-29" })).await.status, 200);
    }
}
