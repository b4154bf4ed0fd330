"""Which endpoint a name means."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from p2m_agent.errors import UsageError
from p2m_agent.settings import Settings

LOCAL = "local"
DEFAULT_OPENAI_MODEL = "gpt-4.1-mini"
_OPENAI_URL = "https://api.openai.com/v1"


class Provider(NamedTuple):
    """A service with an OpenAI-compatible URL."""

    url: str
    key: str
    """Environment variable of its key."""


PROVIDERS = {
    "openai": Provider(_OPENAI_URL, "OPENAI_API_KEY"),
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    "google": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "together": Provider("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
}


NATIVE = {
    "anthropic": "langchain-anthropic",
    "azure_ai": "langchain-azure-ai",
    "azure_openai": "langchain-openai",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
    "cohere": "langchain-cohere",
    "fireworks": "langchain-fireworks",
    "google_genai": "langchain-google-genai",
    "google_vertexai": "langchain-google-vertexai",
    "huggingface": "langchain-huggingface",
    "ibm": "langchain-ibm",
    "mistralai": "langchain-mistralai",
    "nvidia": "langchain-nvidia-ai-endpoints",
    "ollama": "langchain-ollama",
    "perplexity": "langchain-perplexity",
    "upstage": "langchain-upstage",
    "xai": "langchain-xai",
}
"""Providers that LangChain's `init_chat_model` knows and that are spoken to in their own protocol, by package."""
_OLLAMA_URL = "http://localhost:11434"


class Keys(BaseSettings):
    """The providers' keys, from the environment or `.env`; the OpenAI key is part of `Settings`."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    anthropic_api_key: str | None = Field(default=None, repr=False)
    gemini_api_key: str | None = Field(default=None, repr=False)
    mistral_api_key: str | None = Field(default=None, repr=False)
    deepseek_api_key: str | None = Field(default=None, repr=False)
    groq_api_key: str | None = Field(default=None, repr=False)
    together_api_key: str | None = Field(default=None, repr=False)
    openrouter_api_key: str | None = Field(default=None, repr=False)
    p2m_api_key: str | None = Field(default=None, repr=False)
    """For endpoints given by URL. The OpenAI key goes to no other server than OPENAI_BASE_URL or OpenAI."""


@dataclass(frozen=True)
class Endpoint:
    """Where requests go. Its identity, unlike the embedded model's port, is the same in every process."""

    identity: str
    """Part of every answer's key: the URL, or `embedded`."""
    url: str | None
    """None for the embedded model, whose server is started on first use."""
    model: str | None
    """None where the endpoint is to be asked for its models; for the embedded model the GGUF, None for the default."""
    key: str | None = field(default=None, repr=False)
    key_name: str = "P2M_API_KEY"
    """Environment variable that the key belongs in."""
    provider: str | None = None
    """One of `NATIVE`: then LangChain's class for it sends the requests, wherever it is configured to."""

    @property
    def local(self) -> bool:
        """Whether it is the embedded model."""
        return self.url is None

    @property
    def paid(self) -> bool:
        """Whether requests may cost money: everything beyond this machine."""
        return self.url is not None and not on_this_machine(urlsplit(self.url).hostname or "")


def resolve(name: str | None, settings: Settings, keys: Keys) -> Endpoint:
    """The endpoint for a teacher, planner or judge name; nothing is contacted.

    Raises:
        UsageError: the name means nothing, or its key is missing.
    """
    if name is None:
        return _default(settings, None) if _has_default(settings) else Endpoint("embedded", None, settings.gguf)
    name = name.strip()
    if name == LOCAL:
        return Endpoint("embedded", None, settings.gguf)
    if name.endswith(".gguf") and "://" not in name:
        return Endpoint("embedded", None, name)
    if re.match(r"https?://", name):
        return _by_url(name, settings, keys)
    provider, colon, model = name.partition(":")
    if colon and provider in NATIVE:
        return _native(provider, model, settings, keys)
    if colon and provider in PROVIDERS:
        return _by_provider(provider, model, settings, keys)
    if _has_default(settings) and name:
        return _default(settings, name)
    raise UsageError(
        f"No LLM is known by the name {name!r}.",
        "Say `local`, a URL such as http://localhost:8080/v1#model, or one of "
        f"{', '.join(PROVIDERS | NATIVE)} with a model (openai:gpt-4.1-mini). "
        "A bare model name needs OPENAI_API_KEY or OPENAI_BASE_URL.",
    )


def _has_default(settings: Settings) -> bool:
    return bool(settings.openai_base_url or settings.openai_api_key)


def _default(settings: Settings, model: str | None) -> Endpoint:
    url = _clean(settings.openai_base_url or _OPENAI_URL)
    if url == _OPENAI_URL:
        model = model or DEFAULT_OPENAI_MODEL
        _require(settings.openai_api_key, "openai", "OPENAI_API_KEY")
    return Endpoint(url, url, model, _key("OPENAI_API_KEY", settings, None), "OPENAI_API_KEY")


def _by_url(name: str, settings: Settings, keys: Keys) -> Endpoint:
    address, _, model = name.partition("#")
    url = _clean(address)
    host = urlsplit(url).hostname
    for provider in PROVIDERS.values():
        if host == urlsplit(provider.url).hostname:
            return Endpoint(url, url, model or None, _key(provider.key, settings, keys), provider.key)
    if settings.openai_base_url and urlsplit(settings.openai_base_url).netloc == urlsplit(url).netloc:
        return Endpoint(url, url, model or None, _key("OPENAI_API_KEY", settings, keys), "OPENAI_API_KEY")
    return Endpoint(url, url, model or None, _key("P2M_API_KEY", settings, keys), "P2M_API_KEY")


def _by_provider(provider: str, model: str, settings: Settings, keys: Keys) -> Endpoint:
    if not model:
        raise UsageError(f"{provider}: is no model.", f"Name one: {provider}:MODEL.")
    url, key_name = PROVIDERS[provider]
    key = _key(key_name, settings, keys)
    _require(key, provider, key_name)
    return Endpoint(url, url, model, key, key_name)


def _native(provider: str, model: str, settings: Settings, keys: Keys) -> Endpoint:
    package = NATIVE[provider]
    if not model:
        raise UsageError(f"{provider}: is no model.", f"Name one: {provider}:MODEL.")
    if importlib.util.find_spec(package.replace("-", "_")) is None:
        known = PROVIDERS.get(provider)
        other = f", or give its OpenAI-compatible address: {known.url}#{model}" if known else ""
        raise UsageError(f"{provider}: needs the package {package}.", f"pip install {package}{other}.")
    key_name = PROVIDERS[provider].key if provider in PROVIDERS else f"the key of {provider}"
    key = _key(key_name, settings, keys) if provider in PROVIDERS else None
    if provider in PROVIDERS:
        _require(key, provider, key_name)
    url = _OLLAMA_URL if provider == "ollama" else f"https://{provider}"
    return Endpoint(provider, url, model, key, key_name, provider)


def _key(name: str, settings: Settings, keys: Keys | None) -> str | None:
    """Without the line's end and the quotes that files of environment variables leave around it."""
    value = getattr(settings if name == "OPENAI_API_KEY" else keys, name.lower())
    return str(value).strip().strip("\"'") or None if value else None


def _require(key: str | None, provider: str, key_name: str) -> None:
    if not key:
        raise UsageError(
            f"There is no key for {provider}.",
            f"Set {key_name} in the environment or in .env, or work without one: --teacher local.",
        )


def _clean(address: str) -> str:
    parts = urlsplit(address)
    if "@" in parts.netloc:
        raise UsageError("A URL must not hold a password.", "Put the key into P2M_API_KEY instead.")
    if any(re.search("key|token|secret", name, re.IGNORECASE) for name, _ in parse_qsl(parts.query)):
        raise UsageError("A URL must not hold a key.", "Put it into P2M_API_KEY instead.")
    if not parts.hostname:
        raise UsageError(f"{address!r} is no URL.", "It looks like http://localhost:8080/v1.")
    return address.rstrip("/")


def on_this_machine(host: str) -> bool:
    """Whether a host is this machine, where requests cost nothing."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
