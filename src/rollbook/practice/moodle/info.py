"""core_webservice_get_site_info: who the token belongs to, the release, and which functions it may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.params import Group, Many, Value
from rollbook.practice.moodle.settings import RELEASES


def site_info(functions: Callable[[], Mapping[str, Function]]) -> Function:
    """The function itself, of all `functions` that there are."""

    def do(call: Call, given: Json) -> Json:
        settings, user = call.site.settings, call.site.service_user()
        release, version = RELEASES[settings.moodle]
        allowed = settings.functions
        known = of_release(functions(), settings.release())
        listed = sorted(name for name in known if allowed is None or name in allowed)
        return {
            "sitename": "Practice Moodle", "username": user["username"], "firstname": user["firstname"],
            "lastname": user["lastname"], "fullname": f"{user['firstname']} {user['lastname']}",
            "lang": settings.lang, "userid": user["id"], "siteurl": call.base,
            "userpictureurl": f"{call.base}/theme/image.php/boost/core/1/u/f1",
            "functions": [{"name": name, "version": version} for name in call.page(listed)],
            "downloadfiles": 0, "uploadfiles": 0, "release": release, "version": version, "mobilecssurl": "",
            "advancedfeatures": [{"name": "enablecompletion", "value": 1}], "usercanmanageownfiles": True,
            "userquota": 104857600, "usermaxuploadfilesize": 2097152, "userhomepage": 1,
            "userprivateaccesskey": "0" * 32, "siteid": 1, "sitecalendartype": "gregorian",
            "usercalendartype": "gregorian", "userissiteadmin": bool(user["siteadmin"]), "theme": "boost",
            "limitconcurrentlogins": 0, "policyagreed": 0,
        }  # fmt: skip

    return Function(do, Group({"serviceshortnames": Many(Value("alphanumext"), default=[])}))


def of_release(functions: Mapping[str, Function], release: tuple[int, int]) -> set[str]:
    """The names of the functions that a release has."""
    return {name for name, each in functions.items() if each.since <= release}
