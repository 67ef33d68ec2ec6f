using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kgents.Api.Messages;
using Kgents.Api.Sessions;
using Kgents.Api.Turns;

namespace Kgents.Api;

/// <summary>The JSON of the API. A field that a request does not have is refused: a misspelt option would else be ignored in silence.</summary>
[JsonSerializable(typeof(CreateSessionRequest))]
[JsonSerializable(typeof(SessionResponse))]
[JsonSerializable(typeof(SessionPage))]
[JsonSerializable(typeof(PostMessageRequest))]
[JsonSerializable(typeof(MessageResponse))]
[JsonSerializable(typeof(MessagePage))]
[JsonSerializable(typeof(FinalUsage))]
[JsonSerializable(typeof(GapEnd))]
[JsonSerializable(typeof(TurnResponse))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    static ApiJson() => Default = new ApiJson(Configure(new JsonSerializerOptions()));

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.NumberHandling = JsonNumberHandling.Strict;
        return options;
    }
}
