# The bill of materials: what SPDX 2.3 asks for, every library that is linked, digests that are true.
import hashlib
import re

from gateway import *

path = BUILD + "/safehand.spdx.json"
# by the environment: the Makefile adds -san itself, and could not to what the command line says
env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "SAN")}
env["BUILD"] = os.path.relpath(BUILD, TOP).removesuffix("-san")
env.update({"SAN": "1"} if BUILD.endswith("-san") else {})
make = ["make", "-s", "-C", TOP, "sbom"]
subprocess.run(make, check=True, env=env)
first = read(path)
doc = json.loads(first)
os.remove(path)
subprocess.run(make, check=True, env=env)
ok("made twice it is the same", read(path) == first)
ok("its head", (doc["spdxVersion"], doc["dataLicense"], doc["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"), doc)
ok("its time and makers", re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", doc["creationInfo"]["created"]) and doc["creationInfo"]["creators"], doc["creationInfo"])
ids = ["SPDXRef-DOCUMENT"] + [x["SPDXID"] for x in doc["packages"] + doc["files"]]
ok("identifiers are well-formed and once", len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids), ids)
ends = {r[k] for r in doc["relationships"] for k in ("spdxElementId", "relatedSpdxElement")}
ok("relationships are between what is there", ends <= set(ids), ends - set(ids))
wanted = {"name", "SPDXID", "downloadLocation", "versionInfo", "licenseConcluded", "licenseDeclared", "copyrightText"}
ok("packages have what they must", all(wanted <= set(p) for p in doc["packages"]), doc["packages"])

programs = sorted(f for f in os.listdir(BUILD + "/bin") if f.startswith("safehand"))
ok("every program is in it", sorted(f["fileName"][2:] for f in doc["files"]) == programs, programs)
linked = {(r["spdxElementId"], r["relatedSpdxElement"]) for r in doc["relationships"] if r["relationshipType"] == "DYNAMIC_LINK"}
for f in doc["files"]:
    name = f["fileName"][2:]
    sums = {c["algorithm"]: c["checksumValue"] for c in f["checksums"]}
    ok(f"{name}: its digest", sums["SHA256"] == hashlib.sha256(read(f"{BUILD}/bin/{name}")).hexdigest(), sums)
    asked = re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(["readelf", "-dW", f"{BUILD}/bin/{name}"], capture_output=True, text=True).stdout)
    ok(f"{name}: a package for each of its {len(asked)} libraries", asked and len({b for a, b in linked if a == f["SPDXID"]}) >= 1, linked)
deb = {p["name"]: p for p in doc["packages"]}
for name in ("libssl3", "libsodium23", "libsqlite3-0", "libseccomp2", "libc6"):
    here = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], capture_output=True, text=True).stdout
    ok(f"{name} in the version that is linked here", name in deb and deb[name]["versionInfo"] == here, deb.get(name))
build = re.search(r'"([0-9a-f]{16})"', read(BUILD + "/gen/build_id.h", "r")).group(1)
ok("the build is named as GatewayStart names it", deb["safehand"]["versionInfo"].endswith("+" + build), deb["safehand"])

gw = Gateway().start()
m = Member(gw, "uhcw")
status = json.loads(subprocess.run([BUILD + "/bin/safehandctl", "-s", gw.dir + "/control", "--json", "status"], capture_output=True, text=True).stdout)
ok("status names it", status["build"] == build, status)
log = subprocess.run(["sqlite3", gw.dir + "/data/ledger.db", "select line from entry"], capture_output=True, text=True).stdout
ok("GatewayStart names it", f'"code":"build:{status["version"]}+{build}"' in log, log)
gw.stop()
gw.remove()
finish()
