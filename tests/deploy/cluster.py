"""A Kubernetes cluster of one node, by its real programs from PATH: etcd, the control plane, containerd, kubelet, kube-proxy.

Everybody in it speaks with one token that may do anything: who may do what within the control plane is not ours to try. What a cloud
would have besides it, an ingress controller, a name server, a registry, is not here.
"""

import json
import os
import secrets
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

from tests.deploy import engine
from tests.deploy.machine import printed
from tests.deploy.node import ADDRESS, FOLDER, PODS, SERVICES, Node
from tests.deploy.web import wait_until
from tests.servers import PATH, found

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
RUNTIME = ("containerd", "ctr", "runc", "iptables", "ip", "nsenter", "unshare")
CNI = next((folder for folder in ("/usr/lib/cni", "/opt/cni/bin") if Path(folder, "bridge").exists()), "")
PAUSE = "darkroom-pause:1"
URL = f"https://{ADDRESS}:6443"
CONTAINERD = f"""
    version = 2
    [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "docker.io/library/{PAUSE}"
    # Root of a machine that is a guest itself may not put processes before its own.
    restrict_oom_score_adj = true
    [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{FOLDER}/cni"
"""
BRIDGE = {"type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True}
BRIDGE["ipam"] = {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
NETWORK = {"cniVersion": "0.4.0", "name": "pods", "plugins": [BRIDGE, {"type": "portmap", "capabilities": {"portMappings": True}}]}
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "cgroupDriver": "cgroupfs",
    "failSwapOn": False,
    # This machine's disk and memory are others' too: how full they are is no reason to send a pod away.
    "evictionHard": {"memory.available": "50Mi"},
    "imageGCHighThresholdPercent": 100,
}


class Cluster:
    """`with Cluster(images) as cluster: cluster.said("kubectl", "get", "pods")`; `images` is what docker save wrote."""

    def __init__(self, images: Path):
        self.images, self.node, self.token = images, Node(), secrets.token_hex(16)
        self.kubeconfig = FOLDER / "kubeconfig"

    def __enter__(self) -> "Cluster":
        with ExitStack() as stack:
            stack.enter_context(self.node)
            self._write()
            self._start_the_control_plane()
            self._start_the_runtime()
            self._start_the_node()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *fault) -> None:
        self._stack.close()

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(words, env=environment, cwd=cwd, capture_output=True, text=True, check=False)

    def said(self, *words: str, cwd: Path | None = None) -> str:
        """What it printed; raises AssertionError where it failed."""
        return printed(self.run(*words, cwd=cwd))

    def got(self, *words: str) -> dict:
        """What `kubectl get` says of a thing."""
        return json.loads(self.said("kubectl", "get", *words, "--output=json"))

    @property
    def minor(self) -> int:
        """32 of Kubernetes 1.32."""
        return int(json.loads(self.said("kubectl", "get", "--raw=/version"))["minor"].rstrip("+"))

    def _write(self) -> None:
        (FOLDER / "cni").mkdir()
        (FOLDER / "cni/pods.conflist").write_text(json.dumps(NETWORK))
        (FOLDER / "containerd.toml").write_text(dedent(CONTAINERD))
        (FOLDER / "kubelet.yaml").write_text(json.dumps(KUBELET))  # which is YAML
        (FOLDER / "tokens").write_text(f'{self.token},operator,1,"system:masters"\n')
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))
        subprocess.run([found("openssl"), "genrsa", "-out", str(FOLDER / "key"), "2048"], check=True, capture_output=True)

    def _kubeconfig(self) -> dict:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": URL, "insecure-skip-tls-verify": True}}],
            "users": [{"name": "operator", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "operator"}}],
            "current-context": "test",
        }

    def _start_the_control_plane(self) -> None:
        start, key, kubeconfig = self.node.start, FOLDER / "key", f"--kubeconfig={self.kubeconfig}"
        start(found("etcd"), "--data-dir=/var/lib/etcd")
        serving = [f"--advertise-address={ADDRESS}", "--cert-dir=/var/lib/kubernetes", f"--service-cluster-ip-range={SERVICES}"]
        asking = ["--etcd-servers=http://127.0.0.1:2379", "--kubelet-preferred-address-types=InternalIP"]
        tokens = [
            "--authorization-mode=RBAC",
            f"--token-auth-file={FOLDER}/tokens",
            "--service-account-issuer=https://kubernetes.default.svc",
        ]
        tokens += [f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"]
        start(found("kube-apiserver"), *serving, *asking, *tokens)
        wait_until(lambda: self.run("kubectl", "get", "--raw=/readyz").returncode == 0, "the API was up")
        start(found("kube-controller-manager"), kubeconfig, "--leader-elect=false", f"--service-account-private-key-file={key}")
        start(found("kube-scheduler"), kubeconfig, "--leader-elect=false")

    def _start_the_runtime(self) -> None:
        self.node.start(found("containerd"), f"--config={FOLDER}/containerd.toml")
        wait_until(lambda: self.node.run("ctr", "version").returncode == 0, "containerd was up")
        self.node.said("ctr", "--namespace=k8s.io", "images", "import", str(self.images))

    def _start_the_node(self) -> None:
        kubeconfig, name = f"--kubeconfig={self.kubeconfig}", "--hostname-override=node"
        runtime = ["--container-runtime-endpoint=unix:///run/containerd/containerd.sock"]
        if self.minor < 24:  # which may have Docker
            runtime.append("--container-runtime=remote")
        self.node.start(found("kubelet"), kubeconfig, name, f"--config={FOLDER}/kubelet.yaml", f"--node-ip={ADDRESS}", *runtime)
        # The kernel's limits of connections are the whole machine's.
        limits = ["--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0"]
        self.node.start(found("kube-proxy"), kubeconfig, name, "--proxy-mode=iptables", f"--cluster-cidr={PODS}", *limits)
        wait_until(lambda: self.run("kubectl", "wait", "--for=condition=Ready", "node/node").returncode == 0, "the node was ready")


def missing() -> str:
    """What this machine lacks for one, in words; "" where it lacks nothing."""
    if not engine.can_be_had():
        return "needs root, dockerd, docker compose and debootstrap, for the image"
    programs = [name for name in (*PROGRAMS, *RUNTIME) if shutil.which(name, path=PATH) is None]
    return f"needs {', '.join(programs)} on PATH" if programs else "" if CNI else "needs the CNI plugins (containernetworking-plugins)"
