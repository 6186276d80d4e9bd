# sbom.py - the SPDX 2.3 document of a build: our programs with their digests, the Debian packages that they link, the
# compiler. Nothing of the time or the machine goes in but SOURCE_DATE_EPOCH: the same build gives the same document.
# usage: sbom.py VERSION BUILD_ID BINARY...
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys


def out(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed(path):
    """Sonames that the program asks for itself."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out("readelf", "-dW", path))


def files_of(path):
    """soname -> file that the loader takes here."""
    return dict(re.findall(r"^\s*(\S+) => (\S+) \(", out("ldd", path), re.M))


def owner(path):
    """The Debian package of a library's file, which may be named by its place before the merge of /usr."""
    for p in (os.path.realpath(path), path, os.path.realpath(path).removeprefix("/usr")):
        r = subprocess.run(["dpkg-query", "-S", p], capture_output=True, text=True)
        if r.returncode == 0:
            return r.stdout.split(":")[0]
    sys.exit(f"sbom: {path}: of no package")


def ident(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package(name):
    version, source, arch = out("dpkg-query", "-W", "-f=${Version}\t${source:Package}\t${Architecture}", name).split("\t")
    return {
        "SPDXID": ident("deb-" + name), "name": name, "versionInfo": version, "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", "sourceInfo": f"built from the Debian source package {source}",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={arch}"}],
    }  # fmt: skip


def digest(path, kind):
    with open(path, "rb") as f:
        return hashlib.new(kind, f.read()).hexdigest()


def relation(a, how, b):
    return {"spdxElementId": a, "relationshipType": how, "relatedSpdxElement": b}


def document(version, build, paths):
    ours, packages, files, relations = ident("safehand"), {}, [], []
    for path in paths:
        name = os.path.basename(path)
        files.append({"SPDXID": ident("file-" + name), "fileName": "./" + name, "fileTypes": ["BINARY"], "licenseConcluded": "ISC",
                      "copyrightText": "NOASSERTION", "checksums": [{"algorithm": k.upper(), "checksumValue": digest(path, k)} for k in ("sha1", "sha256")]})  # fmt: skip
        relations.append(relation(ours, "CONTAINS", files[-1]["SPDXID"]))
        where = files_of(path)
        for so in needed(path):
            deb = owner(where[so])
            packages.setdefault(deb, package(deb))
            relations.append(relation(files[-1]["SPDXID"], "DYNAMIC_LINK", packages[deb]["SPDXID"]))
    compiler = package(owner(os.path.realpath("/usr/bin/gcc")))
    relations.append(relation(compiler["SPDXID"], "BUILD_TOOL_OF", ours))
    verification = hashlib.sha1("".join(sorted(f["checksums"][0]["checksumValue"] for f in files)).encode()).hexdigest()
    us = {"SPDXID": ours, "name": "safehand", "versionInfo": f"{version}+{build}", "downloadLocation": "NOASSERTION", "filesAnalyzed": True,
          "packageVerificationCode": {"packageVerificationCodeValue": verification}, "licenseConcluded": "ISC", "licenseDeclared": "ISC",
          "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION"}  # fmt: skip
    when = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"safehand-{version}+{build}",
        "documentNamespace": f"https://spdx.org/spdxdocs/safehand-{version}-{build}-{verification[:16]}",
        "creationInfo": {"created": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": [f"Tool: safehand-sbom-{version}"]},
        "packages": [us, *(packages[n] for n in sorted(packages)), compiler], "files": files,
        "relationships": [relation("SPDXRef-DOCUMENT", "DESCRIBES", ours), *relations],
    }  # fmt: skip


json.dump(document(sys.argv[1], sys.argv[2], sorted(sys.argv[3:])), sys.stdout, indent=1)
print()
