"""Get Apache Kafka itself: the jars of one pinned version, from Maven Central, kept in a cache folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from schemas.errors import Unavailable

POM = Path(__file__).with_name("kafka-pom.xml")
OLDEST_JAVA = 17
_FETCH_SECONDS = 900.0


def kafka_version() -> str:
    """The version that the pom pins."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", POM.read_text(encoding="utf-8"))
    if found is None:
        raise Unavailable(f"{POM} names no kafka.version")
    return found.group(1)


def kafka_home() -> Path:
    """Where Kafka is kept: $CREDITPULSE_KAFKA_HOME, else .cache/kafka-VERSION in the project's folder.

    An unpacked Kafka download is such a folder as well: only its ``libs/`` matters.
    """
    given = os.environ.get("CREDITPULSE_KAFKA_HOME")
    if given:
        return Path(given)
    return Path(__file__).parents[2] / ".cache" / f"kafka-{kafka_version()}"


def find_java() -> str:
    """The java program of $JAVA_HOME, else of the PATH; raises Unavailable when there is none or it is too old."""
    java_home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(java_home) / "bin") if java_home else None)
    if java is None:
        raise Unavailable(f"Apache Kafka needs Java {OLDEST_JAVA} or later: no java in JAVA_HOME or on the PATH")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r'version "(\d+)', told.stderr + told.stdout)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        version = found.group(1) if found else "of unknown version"
        raise Unavailable(f"Apache Kafka needs Java {OLDEST_JAVA} or later: {java} is Java {version}")
    return java


def fetch_kafka() -> Path:
    """The folder with Kafka's jars, fetched with Maven when it is not there yet.

    Maven's own settings of this machine (mirrors, proxies) hold. Raises Unavailable: no Maven, or it failed.
    """
    libs = kafka_home() / "libs"
    if any(libs.glob("kafka_2.13-*.jar")):
        return libs
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable(
            f"Apache Kafka {kafka_version()} is fetched from Maven Central: no mvn on the PATH. Install Maven, or "
            "unpack a Kafka download and set CREDITPULSE_KAFKA_HOME to its folder"
        )
    libs.parent.mkdir(parents=True, exist_ok=True)
    # Into a folder beside it first: a fetch that is cut off must not look like a complete one.
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=libs.parent) as part:
        _copy_jars(maven, Path(part) / "libs")
        if not libs.exists():
            (Path(part) / "libs").rename(libs)
    return libs


def _copy_jars(maven: str, into: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    command = [maven, "--batch-mode", "--no-transfer-progress", "--quiet", "--strict-checksums", "--file", str(POM)]
    done = subprocess.run([*command, *goal], capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS)
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Unavailable(f"Maven could not fetch Apache Kafka {kafka_version()}:\n{end}")
