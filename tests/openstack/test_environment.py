"""Is a credential in the environment only by reference?"""

from ouranos.openstack import environment

PLACE = environment.Address("mariadb", 3306)


def test_an_option_has_the_name_that_oslo_config_looks_for() -> None:
    assert environment.option("DEFAULT", "transport_url") == "OS_DEFAULT__TRANSPORT_URL"
    assert environment.option("keystone_authtoken", "password") == "OS_KEYSTONE_AUTHTOKEN__PASSWORD"


def test_urls_refer_to_the_variables_of_the_login() -> None:
    login = environment.login("DATABASE", environment.secret_name("nova", "database"))
    url = environment.database_url("database", "DATABASE", PLACE, "nova")
    assert [one["name"] for one in login] == ["DATABASE_USERNAME", "DATABASE_PASSWORD"]
    assert url["value"] == (
        "mysql+pymysql://$(DATABASE_USERNAME):$(DATABASE_PASSWORD)@mariadb:3306/nova?charset=utf8mb4"
    )
    assert "ssl" not in url["value"]
    assert environment.queue_url("QUEUE", environment.Address("rabbitmq", 5672), "nova") == {
        "name": "OS_DEFAULT__TRANSPORT_URL",
        "value": "rabbit://$(QUEUE_USERNAME):$(QUEUE_PASSWORD)@rabbitmq:5672/nova",
    }


def test_a_server_in_the_clouds_own_network_is_spoken_to_without_tls() -> None:
    inside = environment.Address("mariadb", 3306, "Disabled")
    url = environment.database_url("database", "DATABASE", inside, "nova")
    assert url["value"].endswith("/nova?charset=utf8mb4&ssl_disabled=true")


def test_a_dollar_in_a_plain_value_stays_a_dollar() -> None:
    assert environment.literal("A", "$(HOME)")["value"] == "$$(HOME)"


def test_each_secret_that_is_read_is_named_once() -> None:
    variables = [
        environment.literal("A", "b"),
        *environment.login("X", "one"),
        *environment.login("Y", "two"),
    ]
    assert list(environment.secrets_read(variables)) == ["one", "two"]
