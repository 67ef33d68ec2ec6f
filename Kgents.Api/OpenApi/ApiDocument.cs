using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kgents.Api.OpenApi;

/// <summary>The document as it is sent: made at the first request, since it is the same for the life of the process, and anybody may ask for it.</summary>
internal sealed class ApiDocument(IOpenApiDocumentProvider provider)
{
    private readonly Lazy<Task<byte[]>> json = new(() => WriteAsync(provider));

    public Task<byte[]> ReadAsync() => json.Value;

    private static async Task<byte[]> WriteAsync(IOpenApiDocumentProvider provider)
    {
        var document = await provider.GetOpenApiDocumentAsync();
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        document.SerializeAsV31(new OpenApiJsonWriter(text, new OpenApiJsonWriterSettings { Terse = true }));
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
