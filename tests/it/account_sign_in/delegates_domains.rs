//! The domains of an organization, as its own administrators have them: the console's pages, without what concerns others.

use super::{
    EMAIL,
    delegates::{Delegate, give_role},
    world,
};
use crate::both;

both! {
    async fn administrators_of_an_organization_add_prove_and_give_up_its_domains(app: TestApp) {
        let world = world(&app).await;
        give_role(&app, &world, &["internal_org_domain_mgt_update", "internal_org_domain_mgt_view"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let home = delegate.page("").await;
        assert!(home.body.contains("acme.example") && home.body.contains("Approved"), "{}", home.body);
        let domains = format!("/organizations/{}/domains", world.organization);
        let form = delegate.page(&domains).await;
        assert!(!form.body.contains("free-mail"), "{}", form.body);
        let added = delegate.send(&form, &domains, &[("domain", "new.example")]).await;
        assert_eq!(added.status, 303, "{}", added.body);
        let one = format!("{domains}/new.example");
        let page = delegate.page(&one).await;
        for said in ["_sso-challenge.new.example", "Publish this record in your DNS", "It can prove the domain until"] {
            assert!(page.body.contains(said), "{said}: {}", page.body);
        }
        for unsaid in ["/approve", "customer", "Ostiary", "/console"] {
            assert!(!page.body.contains(unsaid), "{unsaid}: {}", page.body);
        }
        let again = delegate.send(&page, &format!("{one}/verify"), &[]).await;
        assert_eq!(again.status, 303, "{}", again.body);
        let renewed = delegate.page(&one).await;
        let record = |body: &str| body.split("sso-domain-verification=").nth(1).unwrap()[..40].to_owned();
        assert_ne!(record(&renewed.body), record(&page.body));
        // After a month the record is over, on the page too.
        app.advance(std::time::Duration::from_secs(31 * 24 * 3600));
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let over = delegate.page(&one).await;
        assert!(over.body.contains("The time for the record is over"), "{}", over.body);
        assert!(!over.body.contains("sso-domain-verification="), "{}", over.body);
        // What counts is switched, and given up.
        let counts = format!("{domains}/acme.example");
        let page = delegate.page(&counts).await;
        assert!(page.body.contains("Lead people to this organization"), "{}", page.body);
        assert!(!page.body.contains("autoJoinEnabled"), "it is not proved: {}", page.body);
        let off = delegate.send(&page, &counts, &[("routingEnabled", "")]).await;
        assert_eq!(off.status, 303, "{}", off.body);
        assert!(!app.organization_domain(world.environment.id, "acme.example").await.routing_enabled);
        let confirm = delegate.page(&format!("{counts}/delete")).await;
        let gone = delegate.send(&confirm, &format!("{counts}/delete"), &[("confirm", "acme.example")]).await;
        assert_eq!(gone.status, 303, "{}", gone.body);
        assert_eq!(delegate.get(&counts).await.status, 404);
    }

    async fn whoever_may_only_look_changes_no_domain(app: TestApp) {
        let world = world(&app).await;
        // Another organization has it too, which is nothing to this one.
        let other = app.tenant(&world.environment, "globex.example").await;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organization_domains SET domain = 'acme.example' WHERE organization_id = $1")
            .bind(other.organization.id)
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        give_role(&app, &world, &["internal_org_domain_mgt_view"]).await;
        let delegate = Delegate::signed_in(&app, &world, EMAIL).await;
        let one = format!("/organizations/{}/domains/acme.example", world.organization);
        let page = delegate.page(&one).await;
        assert!(page.body.contains("Leads people here"), "{}", page.body);
        assert!(!page.body.contains("globex") && !page.body.contains("another organization"), "{}", page.body);
        assert!(!page.body.contains("/verify") && !page.body.contains("/delete"), "{}", page.body);
        assert_eq!(delegate.get(&format!("/organizations/{}/domains", world.organization)).await.status, 403);
        assert_eq!(delegate.get(&format!("{one}/delete")).await.status, 403);
        let foreign = format!("/organizations/{}/domains/acme.example", other.organization.id);
        assert_eq!(delegate.get(&foreign).await.status, 404);
    }
}
