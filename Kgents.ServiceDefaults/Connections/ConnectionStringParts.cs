using System.Data.Common;
using Microsoft.Extensions.Configuration;

namespace Kgents.ServiceDefaults.Connections;

/// <summary>The <c>Name=value</c> pairs of a connection string. What is wrong with one is said by the setting's name, never by its value: it holds a key.</summary>
public sealed class ConnectionStringParts
{
    private readonly string name;
    private readonly string form;
    private readonly DbConnectionStringBuilder parts;

    private ConnectionStringParts(string name, string form, DbConnectionStringBuilder parts)
    {
        this.name = name;
        this.form = form;
        this.parts = parts;
    }

    /// <summary>Null for a part that is missing or empty.</summary>
    public string? this[string part] => parts.TryGetValue(part, out var value) && value is string { Length: > 0 } text ? text : null;

    /// <summary>Reads a connection string; null when it is not configured.</summary>
    /// <param name="form">What it should look like, for the error.</param>
    /// <exception cref="SettingException">It is not a list of pairs.</exception>
    public static ConnectionStringParts? Find(IConfiguration configuration, string name, string form)
    {
        var text = configuration.GetConnectionString(name);
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            return new ConnectionStringParts(name, form, new DbConnectionStringBuilder { ConnectionString = text });
        }
        catch (ArgumentException)
        {
            // The exception's message quotes the text, which holds the key.
            throw Invalid(name, form, "it is not a list of Name=value pairs");
        }
    }

    /// <summary>The part <c>Endpoint</c>.</summary>
    /// <exception cref="SettingException">It is missing, and there is no default; or it is no address.</exception>
    public Uri Endpoint(string? whenAbsent = null) =>
        Uri.TryCreate(this["Endpoint"] ?? whenAbsent, UriKind.Absolute, out var endpoint) && endpoint.Scheme is ("http" or "https")
            ? endpoint
            : throw Invalid("Endpoint is missing or is not an http(s) address");

    /// <summary>The error for a part that is missing or wrong.</summary>
    public SettingException Invalid(string what) => Invalid(name, form, what);

    private static SettingException Invalid(string name, string form, string what) =>
        new($"ConnectionStrings:{name} (environment: ConnectionStrings__{name}): {what}. Expected: {form}.");
}
