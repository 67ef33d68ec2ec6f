using System.Text.Json;

namespace Kgents.Api.Agentese;

internal static class JsonText
{
    /// <summary>False when a text or a name in it has half a surrogate pair, which JSON can say and no text can be.</summary>
    public static bool IsWhole(JsonElement? json)
    {
        try
        {
            return json is not { } given || Read(given);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static bool Read(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString() is not null,
        JsonValueKind.Array => json.EnumerateArray().All(Read),
        JsonValueKind.Object => json.EnumerateObject().All(member => member.Name is not null && Read(member.Value)),
        _ => true,
    };
}
