"""Certificates for one test run: a CA, a server, a client, an expired server, a client of a CA that nobody trusts."""
import subprocess
from pathlib import Path

_SERVER = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
_CLIENT = "extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n"
_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

# `openssl x509` signs nothing that is expired already; `openssl ca` does.
_CA_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


class Certs:
    """The files, by name: certs.ca, certs.server, certs.server_key, ... as strings."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "ca.cnf").write_text(_CA_CONFIG.format(folder=self.folder))
        (self.folder / "index.txt").touch()
        self._authority("ca")
        self._authority("wrong_ca")
        self._leaf("server", "localhost", "ca", _SERVER)
        self._leaf("client", "client-1", "ca", _CLIENT)
        self._leaf("expired", "localhost", "ca", _SERVER, days=("200101000000Z", "200201000000Z"))
        self._leaf("wrong_client", "client-1", "wrong_ca", _CLIENT)
        self._chain("server")
        self._chain("client")

    def __getattr__(self, name):
        suffix = "key" if name.endswith("_key") else "pem" if name.endswith("_pem") else "crt"
        path = self.folder / f"{name.removesuffix('_key').removesuffix('_pem')}.{suffix}"
        if not path.exists():
            raise AttributeError(name)
        return str(path)

    def _openssl(self, *args):
        done = subprocess.run(["openssl", *args], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {' '.join(args)}: {done.stderr}")

    def _authority(self, name):
        self._openssl(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.crt",
            "-subj", f"/CN=test {name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )

    def _leaf(self, name, common_name, ca, extensions, days=None):
        (self.folder / f"{name}.ext").write_text(extensions)
        request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={common_name}"]
        self._openssl("req", "-new", *_NEW_KEY, *request)
        dates = ["-days", "2"] if days is None else ["-startdate", days[0], "-enddate", days[1]]
        self._openssl(
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", f"{ca}.crt", "-keyfile", f"{ca}.key", *dates,
            "-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.crt",
        )

    def _chain(self, name):
        """Key, certificate and CA in one file, as Kafka wants its key stores."""
        parts = [(self.folder / part).read_text() for part in (f"{name}.key", f"{name}.crt", "ca.crt")]
        (self.folder / f"{name}.pem").write_text("".join(parts))
