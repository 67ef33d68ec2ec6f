using System.Text.Json.Nodes;

namespace Kgents.Api.Agentese;

internal static class JsonFields
{
    /// <summary>As everywhere over HTTP: a field that has no value is left out.</summary>
    public static JsonObject WithoutNulls(this JsonObject fields)
    {
        foreach (var name in fields.Where(field => field.Value is null).Select(field => field.Key).ToList())
        {
            fields.Remove(name);
        }

        return fields;
    }
}
